#include "aof/aof_loader.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "aof/stream_note.h"
#include "base/bytes.h"
#include "base/log.h"

namespace ashlar::aof {
namespace {

/// Commands between MULTI and EXEC, held back until EXEC arrives.
class Transaction {
 public:
  [[nodiscard]] bool open() const noexcept { return start_.has_value(); }
  /// Offset of the MULTI.
  [[nodiscard]] std::uint64_t start() const noexcept { return *start_; }
  void begin(std::uint64_t offset) { start_ = offset; }
  void add(std::span<const std::string_view> args) { commands_.emplace_back(args.begin(), args.end()); }
  [[nodiscard]] std::vector<std::vector<std::string>> take() {
    start_.reset();
    return std::exchange(commands_, {});
  }

 private:
  std::optional<std::uint64_t> start_;
  std::vector<std::vector<std::string>> commands_;
};

class Loader {
 public:
  Loader(const AofFiles& files, keyspace::Keyspace& keyspace, const AofLoadOptions& options)
      : files_(files), keyspace_(keyspace), options_(options) {}

  Result<AofLoadReport> load() {
    const Manifest& manifest = files_.manifest();
    report_.found = !manifest.empty();
    if (manifest.base) ASH_TRY_VOID(load_file(manifest.base->name, /*index=*/std::nullopt));
    for (std::size_t i = 0; i < manifest.increments.size(); ++i) {
      ASH_TRY_VOID(load_file(manifest.increments[i].name, i));
    }
    ASH_TRY_VOID(tell_progress());
    return std::move(report_);
  }

 private:
  /// `increment`: its index; none for the base.
  Result<void> load_file(const std::string& name, std::optional<std::size_t> increment) {
    const std::string path = files_.path_of(name);
    const auto opened = files_.fs().open(path, OpenMode::kRead);
    if (!opened) {
      return fail(opened.error().code,
                  fmt::format("The append log file {} cannot be opened: {}", name, opened.error().text()));
    }
    File& file = **opened;
    ASH_TRY(const std::uint64_t size, file.size());
    if (size == 0) return {};
    auto end = replay(file);
    if (!end) return std::unexpected(in_file(path, std::move(end.error())));
    report_.total.bytes = bytes_before_ + size;
    if (*end) ASH_TRY_VOID(cut_tail(path, size, **end, increment));
    bytes_before_ += size;
    log::notice("Loaded {}: {} bytes", path, size);
    return {};
  }

  /// Words that tools look for in the log.
  static Error in_file(const std::string& path, Error error) {
    constexpr std::string_view kBadFormat = "bad file format: ";
    if (error.code == ErrorCode::kIo) return error;
    const bool format = error.detail.starts_with(kBadFormat);
    if (format) error.detail.erase(0, kBadFormat.size());
    error.detail =
        fmt::format("{}{}: {}", format ? "Bad file format reading the append only file " : "", path, error.detail);
    return error;
  }

  /// Reads one file. The offset of an incomplete end, if it has one.
  Result<std::optional<std::uint64_t>> replay(File& file) {
    ASH_TRY(const std::string magic, file.read_at(0, 5));
    std::uint64_t offset = 0;
    if (magic == "REDIS") {
      ASH_TRY(offset, load_preamble(file));
    }
    snapshot::FileSource source(file, offset);
    CommandReader reader(source, offset, {.argument_bytes_max = options_.string_bytes_max});
    const std::array<std::string_view, 2> select = {"SELECT", "0"};
    ASH_TRY_VOID(options_.apply(select));
    Transaction transaction;
    for (;;) {
      ASH_TRY(const auto next, reader.next());
      report_.total.bytes = bytes_before_ + reader.record_offset();
      if (next != CommandReader::Next::kCommand) {
        report_.replication = parse_stream_note(reader.note());
        if (transaction.open()) return transaction.start();
        return next == CommandReader::Next::kEnd ? std::nullopt : std::optional(reader.record_offset());
      }
      ASH_TRY_VOID(take_command(reader, transaction));
      if (report_.total.bytes >= next_progress_) ASH_TRY_VOID(tell_progress());
    }
  }

  /// Loads the RDB part at the front; its length.
  Result<std::uint64_t> load_preamble(File& file) {
    snapshot::FileSource source(file);
    snapshot::LoadOptions rdb{
        .now = options_.now,
        .expired = snapshot::ExpiredKeys::kKeep,
        .checksum = options_.checksum,
        .limits = {.string_bytes_max = options_.string_bytes_max, .progress_every = options_.progress_every},
        .seat = options_.seat,
        .progress = {},
        .after_key = options_.after_key};
    rdb.progress = [this, before = report_.total](const snapshot::LoadProgress& p) {
      report_.total.bytes = bytes_before_ + p.bytes;
      report_.total.keys_loaded = before.keys_loaded + p.keys_loaded;
      report_.total.keys_expired = before.keys_expired + p.keys_expired;
      report_.total.writer_memory = p.writer_memory;
      return tell_progress();
    };
    ASH_TRY(snapshot::LoadReport loaded, snapshot::load_rdb(keyspace_, source, rdb));
    report_.aux = std::move(loaded.aux);
    return loaded.total.bytes;
  }

  Result<void> take_command(const CommandReader& reader, Transaction& transaction) {
    const auto args = reader.args();
    const bool alone = args.size() == 1;
    if (alone && iequals(args[0], "multi")) {  // tidy: allow(command-name): a mark of the file format
      if (transaction.open()) return wrong("MULTI inside MULTI", reader.record_offset());
      transaction.begin(reader.record_offset());
      return {};
    }
    if (alone && iequals(args[0], "exec")) {  // tidy: allow(command-name): a mark of the file format
      if (!transaction.open()) return wrong("EXEC without MULTI", reader.record_offset());
      for (const auto& command : transaction.take()) {
        const std::vector<std::string_view> views(command.begin(), command.end());
        ASH_TRY_VOID(run(views, reader.record_offset()));
      }
      return {};
    }
    if (transaction.open()) {
      transaction.add(args);
      return {};
    }
    return run(args, reader.record_offset());
  }

  Result<void> run(std::span<const std::string_view> args, std::uint64_t offset) {
    ++report_.commands;
    if (auto done = options_.apply(args); !done) {
      return fail(ErrorCode::kCorrupt, fmt::format("command {} failed: {} at offset {}", quoted(args[0].substr(0, 64)),
                                                   done.error().text(), offset));
    }
    return {};
  }

  static Result<void> wrong(std::string_view what, std::uint64_t offset) {
    return fail(ErrorCode::kCorrupt, fmt::format("bad file format: {} at offset {}", what, offset));
  }

  /// True when nothing was written behind this file: a crash may have hit just before its successors were used.
  Result<bool> is_last(std::optional<std::size_t> increment) {
    const auto& increments = files_.manifest().increments;
    for (std::size_t i = increment ? *increment + 1 : 0; i < increments.size(); ++i) {
      ASH_TRY(const std::uint64_t size, files_.size_of(increments[i].name));
      if (size > 0) return false;
    }
    return true;
  }

  Result<void> cut_tail(const std::string& path, std::uint64_t size, std::uint64_t at,
                        std::optional<std::size_t> increment) {
    ASH_TRY(const bool last, is_last(increment));
    if (!last) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("Unexpected end of file reading the append only file {}: inside a record at offset {}, "
                              "but files follow",
                              path, at));
    }
    if (options_.tail == TruncatedTail::kRefuse) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("Unexpected end of file reading the append only file {}: inside a record at offset {}; "
                              "set aof-load-truncated to yes, or repair a copy with ashlar-check-aof --fix",
                              path, at));
    }
    log::warning("{} ends inside a record: {} bytes are cut off at offset {}", path, size - at, at);
    ASH_TRY(const auto file, files_.fs().open(path, OpenMode::kAppend));
    ASH_TRY_VOID(file->truncate(at));
    ASH_TRY_VOID(file->sync());
    report_.cut_bytes += size - at;
    return {};
  }

  Result<void> tell_progress() {
    next_progress_ = report_.total.bytes + options_.progress_every;
    return options_.progress ? options_.progress(report_.total) : Result<void>{};
  }

  const AofFiles& files_;
  keyspace::Keyspace& keyspace_;
  const AofLoadOptions& options_;
  AofLoadReport report_;
  std::uint64_t bytes_before_ = 0;  // of the files done
  std::uint64_t next_progress_ = options_.progress_every;
};

}  // namespace

Result<AofLoadReport> load_aof(const AofFiles& files, keyspace::Keyspace& keyspace, const AofLoadOptions& options) {
  return Loader(files, keyspace, options).load();
}

Result<std::uint64_t> total_bytes(const AofFiles& files) {
  std::uint64_t sum = 0;
  const Manifest& manifest = files.manifest();
  if (manifest.base) {
    ASH_TRY(sum, files.size_of(manifest.base->name));
  }
  for (const ManifestFile& file : manifest.increments) {
    ASH_TRY(const std::uint64_t size, files.size_of(file.name));
    sum += size;
  }
  return sum;
}

}  // namespace ashlar::aof
