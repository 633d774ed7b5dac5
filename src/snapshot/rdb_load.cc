#include "snapshot/rdb_load.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"
#include "base/rng.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

namespace ashlar::snapshot {
namespace {

std::optional<ReplicationAux> replication_of(const std::vector<AuxField>& aux) {
  std::optional<std::int64_t> db;
  std::optional<NodeId> history;
  std::optional<std::int64_t> offset;
  for (const AuxField& field : aux) {
    if (field.name == "repl-stream-db") db = parse_i64(field.value);
    if (field.name == "repl-id") history = NodeId::from_hex(field.value);
    if (field.name == "repl-offset") offset = parse_i64(field.value);
  }
  if (!history || !offset || *offset < 0) return std::nullopt;
  // A replica without a stream yet writes -1: nothing is selected, which is where database 0 begins.
  const auto selected = db && *db > 0 && *db <= UINT32_MAX ? static_cast<std::uint32_t>(*db) : 0;
  return ReplicationAux{DbIndex{selected}, *history, ReplOffset{*offset}};
}

class Loader final : public RdbVisitor {
 public:
  Loader(keyspace::Keyspace& keyspace, const LoadOptions& options)
      : keyspace_(keyspace),
        options_(options),
        // Loading is no access of a client: its lookups are counted in a place nobody reads.
        context_{
            .now = options.now, .expiry_role = keyspace::ExpiryRole::kApply, .counters = &uncounted_, .rng = &rng_} {}

  Result<void> entry(DbIndex db, std::string_view key, keyspace::OwnedValue value, const EntryExtras& extras) override {
    if (skips_expired() && extras.expiry && unix_millis(*extras.expiry) < unix_millis(options_.now)) {
      ++report_.total.keys_expired;
      return {};
    }
    ASH_TRY_VOID(put(db, key, std::move(value), extras));
    if (options_.after_key) options_.after_key();
    return {};
  }

  Result<void> put(DbIndex db, std::string_view key, keyspace::OwnedValue value, const EntryExtras& extras) {
    std::optional<keyspace::Batch> batch;
    if (options_.seat != nullptr) batch.emplace(*options_.seat);
    const keyspace::KeyRef ref = keyspace_.ref(key);
    const keyspace::SlotGuard guard(keyspace_, ref.slot);
    const auto& table = keyspace_.slot(ref.slot).ensure(db.value).table;
    const std::uint64_t before = table.size();
    keyspace::Entry* stored = keyspace::Db(keyspace_, db, context_).put(ref, std::move(value), extras.expiry);
    if (table.size() == before && options_.duplicates == DuplicateKeys::kRefuse) {
      return fail(ErrorCode::kCorrupt,
                  fmt::format("key {} of database {} stands there twice", quoted(key.substr(0, 128)), db.value));
    }
    set_clock(*stored, extras);
    ++report_.total.keys_loaded;
    return {};
  }

  Result<void> empty_key(DbIndex /*db*/, std::string_view key) override {
    constexpr std::uint64_t kToldMax = 10;  // like Redis: a file full of them does not fill the log
    if (report_.total.keys_empty++ < kToldMax) {
      log::notice("Loading RDB: skipping empty key: {}", rdb::shown(key));
    }
    return {};
  }

  Result<void> select_db(DbIndex db) override {
    if (db.value < keyspace_.databases()) return {};
    return fail(ErrorCode::kCorrupt, fmt::format("data of database {}, but this server has only {} databases", db.value,
                                                 keyspace_.databases()));
  }

  Result<void> aux(std::string_view name, std::string_view value) override {
    constexpr std::size_t kKeptMax = 256;  // more fields than any writer has: the rest is somebody's joke
    if (name == "used-mem") report_.total.writer_memory = parse_u64(value).value_or(0);
    if (report_.aux.size() < kKeptMax) report_.aux.push_back({std::string(name), std::string(value)});
    return {};
  }

  Result<void> function(std::string_view code) override {
    if (keyspace::FunctionStore* store = keyspace_.functions()) {
      // Libraries that are there already count as keys do.
      if (options_.duplicates == DuplicateKeys::kRefuse && std::ranges::count(store->codes(), code) != 0) {
        return fail(ErrorCode::kCorrupt, "a function library is there already");
      }
      return store->load(code);
    }
    warning("a function library was skipped: there is no place for it");
    return {};
  }

  void warning(std::string_view text) override { log::warning("Loading RDB: {}", text); }

  Result<void> progress(std::uint64_t consumed) override {
    report_.total.bytes = consumed;
    return options_.progress ? options_.progress(report_.total) : Result<void>{};
  }

  [[nodiscard]] LoadReport take() { return std::move(report_); }

 private:
  [[nodiscard]] bool skips_expired() {
    if (options_.expired == ExpiredKeys::kSkipUnlessStream) {
      // The auxiliary fields stand in front of the keys.
      if (!names_stream_) names_stream_ = replication_of(report_.aux).has_value();
      return !*names_stream_;
    }
    return options_.expired == ExpiredKeys::kSkip;
  }
  void set_clock(keyspace::Entry& entry, const EntryExtras& extras) const {
    const bool lfu = keyspace::uses_lfu(keyspace_.access().policy.load(std::memory_order_relaxed));
    if (lfu && extras.freq) entry.set_clock(keyspace::lfu_clock_for_count(*extras.freq, options_.now));
    if (!lfu && extras.idle) entry.set_clock(keyspace::lru_clock_for_idle(*extras.idle, options_.now));
  }

  keyspace::Keyspace& keyspace_;
  const LoadOptions& options_;
  keyspace::Counters uncounted_;
  Rng rng_{0};  // only feeds LFU counting of overwritten keys, which loading refuses
  keyspace::AccessContext context_;
  LoadReport report_;
  std::optional<bool> names_stream_;
};

}  // namespace

Result<LoadReport> load_rdb(keyspace::Keyspace& keyspace, ByteSource& source, const LoadOptions& options) {
  Loader loader(keyspace, options);
  RdbLimits limits = options.limits;
  limits.encoding = keyspace.limits();
  RdbReader reader(source, loader, limits);
  if (auto done = reader.read(options.checksum); !done) {
    Error error = std::move(done.error());
    if (error.code == ErrorCode::kCorrupt && error.detail.find(" at offset ") == std::string::npos) {
      error.detail += fmt::format(" at offset {}", reader.offset());
    }
    return std::unexpected(std::move(error));
  }
  LoadReport report = loader.take();
  log::notice("Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.", report.total.keys_loaded,
              report.total.keys_expired, report.total.keys_empty);
  report.version = reader.version();
  report.replication = replication_of(report.aux);
  report.leftover = reader.leftover();
  return report;
}

Result<LoadReport> load_rdb_file(keyspace::Keyspace& keyspace, FileSystem& fs, const std::string& path,
                                 const LoadOptions& options) {
  ASH_TRY(const auto file, fs.open(path, OpenMode::kRead));
  FileSource source(*file);
  auto report = load_rdb(keyspace, source, options);
  if (!report && report.error().code == ErrorCode::kCorrupt) {
    return fail(ErrorCode::kCorrupt, path + ": " + report.error().detail);
  }
  return report;
}

}  // namespace ashlar::snapshot
