#include "snapshot/rdb_check.h"

#include <fmt/format.h>

#include "snapshot/rdb_format.h"
#include "snapshot/rdb_reader.h"

namespace ashlar::snapshot {
namespace {

/// The words of redis-check-rdb.
std::string_view part_name(RdbPlace::Part part) noexcept {
  using Part = RdbPlace::Part;
  switch (part) {
    case Part::kStart: return "start";
    case Part::kType: return "read-type";
    case Part::kExpiry: return "read-expire";
    case Part::kKey: return "read-key";
    case Part::kValue: return "read-object-value";
    case Part::kChecksum: return "check-sum";
    case Part::kNumber: return "read-len";
    case Part::kAux: return "read-aux";
    case Part::kModuleAux: return "read-module-aux";
    case Part::kFunction: return "read-functions";
  }
  return "unknown";
}

class Checker final : public RdbVisitor {
 public:
  Checker(ByteSource& source, std::string_view name, WallTime now, const CheckOutput& out)
      : reader_(source, *this, RdbLimits{.string_bytes_max = kStringBytesMax}), name_(name), now_(now), out_(out) {}

  std::optional<std::uint64_t> check() {
    say(fmt::format("Checking RDB file {}", name_));
    if (const auto done = reader_.read(); !done) {
      tell_error(done.error());
      return std::nullopt;
    }
    if (reader_.version() >= rdb::kChecksumVersion) {
      say(reader_.has_checksum() ? "Checksum OK" : "RDB file was saved with checksum disabled: no check performed.");
    }
    say("\\o/ RDB looks OK! \\o/");
    tell_numbers(keys_);
    return reader_.offset();
  }

  Result<void> entry(DbIndex /*db*/, std::string_view /*key*/, keyspace::OwnedValue /*value*/,
                     const EntryExtras& extras) override {
    return count(extras);
  }
  Result<void> module_value(DbIndex /*db*/, std::string_view /*key*/, const EntryExtras& extras) override {
    return count(extras);
  }
  ModuleValues module_values() const noexcept override { return ModuleValues::kSkip; }
  Result<void> empty_key(DbIndex /*db*/, std::string_view key) override {
    ++keys_;
    say(fmt::format("Key '{}' holds nothing: a server skips it", rdb::shown(key)));
    return {};
  }
  Result<void> aux(std::string_view name, std::string_view value) override {
    say(fmt::format("AUX FIELD {} = '{}'", rdb::shown(name), rdb::shown(value)));
    return {};
  }
  Result<void> select_db(DbIndex db) override {
    say(fmt::format("Selecting DB ID {}", db.value));
    return {};
  }
  Result<void> module_aux(std::string_view module) override {
    say(fmt::format("MODULE AUX for: {}", module));
    return {};
  }
  Result<void> function(std::string_view /*code*/) override { return {}; }
  void warning(std::string_view /*text*/) override {}

 private:
  /// No limit of a server is known here; memory follows the bytes that are there.
  static constexpr std::uint64_t kStringBytesMax = (1ULL << 32) - 1;

  void say(std::string_view text) const { out_(fmt::format("[offset {}] {}\n", reader_.offset(), text)); }

  Result<void> count(const EntryExtras& extras) {
    ++keys_;
    if (extras.expiry) ++expires_;
    if (extras.expiry && unix_millis(*extras.expiry) < unix_millis(now_)) ++expired_;
    return {};
  }

  void tell_error(const Error& error) const {
    const RdbPlace place = reader_.place();
    out_("--- RDB ERROR DETECTED ---\n");
    say(text_of(error));
    out_(fmt::format("[additional info] While doing: {}\n", part_name(place.part)));
    if (place.key) out_(fmt::format("[additional info] Reading key '{}'\n", rdb::shown(*place.key)));
    if (place.type) {
      out_(fmt::format("[additional info] Reading type {} ({})\n", *place.type, rdb::encoding_name(*place.type)));
    }
    tell_numbers(keys_ + (place.key ? 1 : 0));  // the key that is being read counts
  }

  /// In the words of redis-check-rdb where scripts may look for them.
  [[nodiscard]] std::string text_of(const Error& error) const {
    const std::string_view text = error.text();
    if (text.find("unexpected end of data") != std::string_view::npos) return "Unexpected EOF reading RDB file";
    if (text.starts_with("wrong signature")) return "Wrong signature trying to load DB from file";
    if (text.starts_with("RDB CRC error")) return "RDB CRC error";
    constexpr std::string_view kVersion = "cannot read RDB version ";
    if (text.starts_with(kVersion)) {
      return fmt::format("Can't handle RDB format version {}",
                         text.substr(kVersion.size(), text.find(',') - kVersion.size()));
    }
    return std::string(text);
  }

  void tell_numbers(std::uint64_t keys) const {
    out_(fmt::format("[info] {} keys read\n[info] {} expires\n[info] {} already expired\n", keys, expires_, expired_));
  }

  RdbReader reader_;
  std::string_view name_;
  WallTime now_;
  const CheckOutput& out_;
  std::uint64_t keys_ = 0;
  std::uint64_t expires_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace

std::optional<std::uint64_t> check_rdb(ByteSource& source, std::string_view name, WallTime now,
                                       const CheckOutput& out) {
  return Checker(source, name, now, out).check();
}

int run_check_rdb(const std::vector<std::string>& args, FileSystem& fs, WallTime now, const CheckOutput& out,
                  const CheckOutput& errors) {
  if (args.size() != 1) {
    errors("Usage: ashlar-check-rdb <rdb-file-name>\n");
    return 1;
  }
  if (args[0] == "-v" || args[0] == "--version") {
    out("ashlar-check-rdb " ASHLAR_VERSION "\n");
    return 0;
  }
  const auto file = fs.open(args[0], OpenMode::kRead);
  if (!file) {
    out(fmt::format("[offset 0] Checking RDB file {}\n", args[0]));
    errors(fmt::format("{}\n", file.error().text()));
    return 1;
  }
  FileSource source(**file);
  return check_rdb(source, args[0], now, out) ? 0 : 1;
}

}  // namespace ashlar::snapshot
