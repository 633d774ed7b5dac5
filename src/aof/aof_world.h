/// A server in a nutshell for the tests of this folder: counters in a key space, a change log, the append-only log
/// behind it, on a disk that fails. Every command is an increment, so a record replayed twice or not at all shows.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aof/aof.h"
#include "aof/command_format.h"
#include "base/bytes.h"
#include "base/testing/faulty_file_system.h"
#include "keyspace/db.h"
#include "keyspace/slot_guard.h"

namespace ashlar::aof {

class World {
 public:
  static constexpr std::uint32_t kDatabases = 3;

  explicit World(testing::FaultyFileSystem& fs, const WriterSettings& settings = {.fsync = FsyncPolicy::kAlways})
      : aof(host, fs, settings) {}

  /// Opens, loads, starts.
  Result<AofLoadReport> boot(BaseForm form = BaseForm::kRdb, TruncatedTail tail = TruncatedTail::kCut) {
    ASH_TRY_VOID(aof.open({}));
    ASH_TRY(AofLoadReport report, aof.load(load_options(tail)));
    ASH_TRY_VOID(aof.start(job(form)));
    return report;
  }

  AofLoadOptions load_options(TruncatedTail tail = TruncatedTail::kCut) {
    return {.tail = tail,
            .apply = [this](std::span<const std::string_view> args) { return apply(args); },
            .now = context.now};
  }

  RewriteJob job(BaseForm form = BaseForm::kRdb) {
    return {.form = form,
            .at_cut = [this] { return RewriteCut{.aux = {.redis_version = "7.2.4"}, .stream_db = stream_db_}; }};
  }

  /// One more on counter `key`, applied and recorded. Not durable until committed.
  void increment(std::uint32_t db, const std::string& key) {
    const keyspace::KeyRef ref = keys.ref(key);
    const keyspace::Batch batch(seat);
    const keyspace::SlotGuard guard(keys, ref.slot);
    add(DbIndex{db}, ref, 1);
    MutexLock log(log_mutex_);
    std::string record;
    if (stream_db_ != DbIndex{db}) append_select(record, DbIndex{db});
    stream_db_ = DbIndex{db};
    const std::array<std::string_view, 3> args = {"INCRBY", key, "1"};
    append_command(record, args);
    aof.writer().append(record);
  }

  /// Empties the key space without a record, as a full synchronisation does.
  void forget_all() {
    const keyspace::SafePoint::Exclusive all(keys.safe_point(), &seat);
    for (std::uint32_t db = 0; db < kDatabases; ++db) (void)keys.clear(DbIndex{db});
  }

  /// "db:key" -> value.
  std::map<std::string, std::int64_t> content() {
    std::map<std::string, std::int64_t> out;
    const keyspace::Batch batch(seat);
    for (std::uint32_t i = 0; i < kSlotCount; ++i) {
      const keyspace::SlotGuard guard(keys, SlotId::wrap(i));
      for (std::uint32_t db = 0; db < kDatabases; ++db) {
        const keyspace::SlotDb* d = keys.slot(SlotId::wrap(i)).find(db);
        if (d == nullptr) continue;
        d->table.for_each([&](const keyspace::EntryTable::Word& w) {
          out[std::to_string(db) + ":" + std::string(w.record()->key())] = w.record()->int_value();
        });
      }
    }
    return out;
  }

  Result<void> apply(std::span<const std::string_view> args) {
    if (args[0] == "SELECT") {
      loading_db_ = DbIndex{static_cast<std::uint32_t>(parse_u64(args[1]).value_or(0))};
      return {};
    }
    if (args.size() != 3) return fail("unknown command");
    const keyspace::KeyRef ref = keys.ref(args[1]);
    const keyspace::SlotGuard guard(keys, ref.slot);
    const std::int64_t n = parse_i64(args[2]).value_or(0);
    if (args[0] == "INCRBY") {  // tidy: allow(command-name): a test server without specs
      add(loading_db_, ref, n);
    } else if (args[0] == "SET") {
      keyspace::Db(keys, loading_db_, context).set_int(ref, n, keyspace::NoExpiry{});
    } else if (args[0] == "PEXPIREAT") {  // tidy: allow(command-name): a test server without specs
      (void)keyspace::Db(keys, loading_db_, context).set_expiry(ref, wall_from_unix_millis(n));
    } else {
      return fail("unknown command");
    }
    return {};
  }

  ManualClock clock;
  keyspace::Keyspace keys{kDatabases};
  snapshot::SnapshotHost host{keys, clock};
  Rng rng{7};
  keyspace::SafePoint::Participant& seat = keys.safe_point().join();
  keyspace::AccessContext context{
      .now = WallTime(Seconds(1'700'000'000)), .counters = &keys.add_counters(), .rng = &rng};
  Aof aof;

 private:
  void add(DbIndex db, const keyspace::KeyRef& ref, std::int64_t by) {
    keyspace::Db view(keys, db, context);
    const keyspace::Entry* old = view.find(ref, keyspace::Access::kWrite);
    view.set_int(ref, (old == nullptr ? 0 : old->int_value()) + by, keyspace::KeepExpiry{});
  }

  Mutex log_mutex_;
  std::optional<DbIndex> stream_db_;
  DbIndex loading_db_;
};

}  // namespace ashlar::aof
