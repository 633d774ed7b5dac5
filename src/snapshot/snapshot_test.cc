// The snapshot mechanism under writers, and saving to a disk that fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/testing/faulty_file_system.h"
#include "keyspace/values/hash.h"
#include "keyspace/values/list.h"
#include "snapshot/rdb_load.h"
#include "snapshot/rdb_save.h"
#include "snapshot/snapshot_world.h"

namespace ashlar::snapshot {
namespace {

using ::testing::HasSubstr;

TEST_F(SnapshotTest, HasTheLowestVersionThatHasItsValues) {
  const auto put = [&](std::string_view key, keyspace::OwnedValue value) {
    const KeyRef ref = keys.ref(key);
    const Batch batch(seat);
    const SlotGuard guard(keys, ref.slot);
    Db(keys, DbIndex{1}, context).put(ref, std::move(value), std::nullopt);
  };
  const auto header = [&] {
    std::string out;
    SlotSnapshot snapshot(host, plan(out));
    snapshot.start(&seat);
    EXPECT_TRUE(snapshot.wait(&seat));
    return out.substr(0, 9);
  };
  set(0, "text", "v");
  EXPECT_EQ(header(), "REDIS0009");
  keyspace::Owned<keyspace::List> list(new keyspace::List());
  list->push(keyspace::ListEnd::kRight, "v", {});
  put("list", keyspace::OwnedValue{std::move(list)});
  EXPECT_EQ(header(), "REDIS0010");
  keyspace::Owned<keyspace::Hash> hash(new keyspace::Hash());
  hash->set(keyspace::LookupText("f"), "v", {}, 1'800'000'000'000);
  put("hash", keyspace::OwnedValue{std::move(hash)});
  EXPECT_EQ(header(), "REDIS0012");
  erase(1, "hash");
  EXPECT_EQ(header(), "REDIS0010");
}

TEST_F(SnapshotTest, HoldsEveryKeyOfEveryDatabase) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t db = static_cast<std::uint32_t>(i) % 3;
    const std::string key = "key:" + std::to_string(i);
    const std::string value = i % 5 == 0 ? std::string(100 + static_cast<std::size_t>(i), 'x') : std::to_string(i);
    set(db, key, value);
    expected[std::to_string(db) + ":" + key] = value;
  }
  set(1, "mortal", "v", wall_from_unix_millis(1'800'000'000'123));
  expected["1:mortal"] = "v@1800000000123";
  std::string out;
  SlotSnapshot snapshot(host, plan(out));
  snapshot.start(&seat);
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(content(out), expected);
  EXPECT_EQ(snapshot.progress().keys_done, 2001U);
  EXPECT_EQ(snapshot.progress().keys_total, 2001U);
  EXPECT_TRUE(snapshot.progress().done);
}

TEST_F(SnapshotTest, HoldsTheStateOfTheCutWhateverIsWrittenAfterIt) {
  for (int i = 0; i < 500; ++i) set(0, "k" + std::to_string(i), "before");
  set(2, "gone", "here");
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, plan(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  for (int i = 0; i < 500; ++i) set(0, "k" + std::to_string(i), "after");
  set(0, "new", "after");
  erase(2, "gone");
  EXPECT_GT(snapshot.progress().ahead_bytes, 500U * 6);
  EXPECT_GT(host.copied_bytes(), snapshot.progress().ahead_bytes);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  const auto entries = content(out);
  EXPECT_EQ(entries.size(), 501U);
  EXPECT_EQ(entries.at("0:k77"), "before");
  EXPECT_EQ(entries.at("2:gone"), "here");
  EXPECT_EQ(snapshot.progress().ahead_bytes, 0U);
  EXPECT_EQ(host.copied_bytes(), 0U);
  EXPECT_GT(snapshot.progress().ahead_bytes_max, 500U * 6);
}

/// Keys of one slot, more of them than are copied together.
std::string crowded(int i) { return "{crowd}" + std::to_string(i); }

TEST_F(SnapshotTest, CopiesOfACrowdedSlotOnlyWhatChanges) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 100; ++i) {
    set(0, crowded(i), "before");
    expected["0:" + crowded(i)] = "before";
  }
  set(1, crowded(5), "other");
  expected["1:" + crowded(5)] = "other";
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, plan(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  for (const char* value : {"after", "later"}) set(0, crowded(3), value);
  erase(0, crowded(4));
  set(0, crowded(4), "again");
  erase(0, crowded(5));
  set(0, crowded(100), "new");
  set(0, crowded(101), "new");
  erase(0, crowded(101));
  set(2, crowded(3), "new");
  EXPECT_EQ(snapshot.progress().ahead_copies, 3U);
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(content(out), expected);
  EXPECT_EQ(snapshot.progress().keys_done, 101U);
}

TEST_F(SnapshotTest, SurvivesAFlushBehindChangesOfACrowdedSlot) {
  for (int i = 0; i < 100; ++i) set(0, crowded(i), "zero");
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, plan(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  set(0, crowded(7), "after");
  set(0, crowded(100), "after");
  {
    const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
    keys.swap(DbIndex{0}, DbIndex{1}, WallTime{});
    keys.clear(DbIndex{1});
  }
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  const auto entries = content(out);
  EXPECT_EQ(entries.size(), 100U);
  EXPECT_EQ(entries.at("0:" + crowded(7)), "zero");
}

TEST_F(SnapshotTest, SurvivesFlushAndSwapOfDatabases) {
  for (int i = 0; i < 100; ++i) {
    set(0, "a" + std::to_string(i), "zero");
    set(1, "b" + std::to_string(i), "one");
  }
  Gate gate;
  std::string out;
  SlotSnapshot snapshot(host, plan(out, &gate));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  {
    const keyspace::SafePoint::Exclusive exclusive(keys.safe_point(), &seat);
    keys.swap(DbIndex{0}, DbIndex{1}, WallTime{});
    keys.clear(DbIndex{0});
  }
  gate.open();
  ASSERT_TRUE(snapshot.wait(&seat));
  const auto entries = content(out);
  EXPECT_EQ(entries.size(), 200U);
  EXPECT_EQ(entries.at("0:a5"), "zero");
  EXPECT_EQ(entries.at("1:b5"), "one");
}

TEST_F(SnapshotTest, CopiesOnlyTheSlotsAskedFor) {
  set(0, "{a}1", "x");  // slot of tag a
  set(0, "{b}1", "y");
  std::string out;
  SnapshotPlan p = plan(out);
  p.slots = SlotSet().set(keys.ref("{a}1").slot.value());
  SlotSnapshot snapshot(host, std::move(p));
  snapshot.start(nullptr);
  ASSERT_TRUE(snapshot.wait(nullptr));
  EXPECT_EQ(content(out), (std::map<std::string, std::string>{{"0:{a}1", "x"}}));
}

/// Waits at a gate in the middle of one key, whose slot is locked then: a value that takes long to copy.
class SlowFormat final : public EntryFormat {
 public:
  SlowFormat(std::string key, Gate& gate) : key_(std::move(key)), gate_(gate) {}
  void select_db(std::string& out, DbIndex db) const override { format_.select_db(out, db); }
  void entry(Chunk& out, const keyspace::Entry& entry) const override {
    if (entry.key() == key_) gate_.pass();
    format_.entry(out, entry);
  }
  void pack(const Chunk& chunk, std::string& out) const override { format_.pack(chunk, out); }

 private:
  RdbEntryFormat format_{Compression::kLzf, rdb::ClockFields{}};
  std::string key_;
  Gate& gate_;
};

TEST_F(SnapshotTest, OtherSlotsAreReadAndWrittenWhileAHugeValueIsCopied) {
  set(0, "huge", "value");
  for (int i = 0; i < 100; ++i) set(0, "other" + std::to_string(i), "before");
  std::string out;
  Gate gate;
  SnapshotPlan p = plan(out);
  p.format = std::make_unique<SlowFormat>("huge", gate);
  SlotSnapshot snapshot(host, std::move(p));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  // That these return at all is what is tested: the copy goes on only behind them.
  for (int i = 0; i < 100; ++i) set(0, "other" + std::to_string(i), "after");
  gate.open();
  EXPECT_TRUE(snapshot.wait(&seat));
  const auto held = content(out);
  EXPECT_EQ(held.size(), 101U);
  EXPECT_EQ(held.at("0:other7"), "before");
}

/// Says that the first entry was written.
class ArrivalSink final : public SnapshotSink {
 public:
  explicit ArrivalSink(Gate& gate) : gate_(gate) { gate_.open(); }
  Result<void> begin(const std::vector<DbSizeHint>& /*sizes*/) override { return {}; }
  Result<void> write(std::string_view /*bytes*/) override {
    gate_.pass();
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  Gate& gate_;
};

constexpr std::int32_t kForEver = std::numeric_limits<std::int32_t>::max();  // half an hour a key

TEST_F(SnapshotTest, StandsStillAfterAKeyWithoutHoldingAnyAndGoesOnWhenTheDelayIsTakenBack) {
  for (int i = 0; i < 20; ++i) set(0, crowded(i) + "x", "v");
  for (int i = 0; i < 20; ++i) set(0, std::to_string(i), "v");
  host.save_delay() = kForEver;
  Gate gate;
  SnapshotPlan p;
  p.format = std::make_unique<RdbEntryFormat>(Compression::kLzf, rdb::ClockFields{});
  p.sink = std::make_unique<ArrivalSink>(gate);
  SlotSnapshot snapshot(host, std::move(p));
  snapshot.start(&seat);
  gate.wait_for_arrival();  // what was written is on its way, though it is far from a piece of the usual size
  for (int i = 0; i < 20; ++i) set(0, crowded(i) + "x", "w");
  for (int i = 0; i < 20; ++i) set(0, std::to_string(i), "w");
  EXPECT_FALSE(snapshot.progress().done);
  host.save_delay() = 0;
  EXPECT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(snapshot.progress().keys_done, 40U);
}

TEST_F(SnapshotTest, IsCancelledInTheMidstOfADelay) {
  for (int i = 0; i < 20; ++i) set(0, std::to_string(i), "v");
  host.save_delay() = kForEver;
  Gate gate;
  SnapshotPlan p;
  p.format = std::make_unique<RdbEntryFormat>(Compression::kLzf, rdb::ClockFields{});
  p.sink = std::make_unique<ArrivalSink>(gate);
  SlotSnapshot snapshot(host, std::move(p));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  snapshot.cancel();
  EXPECT_FALSE(snapshot.wait(&seat));
}

TEST_F(SnapshotTest, ADelayBelowZeroIsAMicrosecondAfterSoManyKeys) {
  for (int i = 0; i < 100; ++i) set(0, std::to_string(i), "v");
  host.save_delay() = -30;
  std::string out;
  SlotSnapshot snapshot(host, plan(out));
  snapshot.start(&seat);
  ASSERT_TRUE(snapshot.wait(&seat));
  EXPECT_EQ(content(out).size(), 100U);
}

TEST_F(SnapshotTest, RunsTheCutWhileAllOthersStandStill) {
  std::string out;
  SnapshotPlan p = plan(out);
  bool cut = false;
  p.at_cut = [&] {
    EXPECT_FALSE(seat.inside());
    cut = true;
  };
  SlotSnapshot snapshot(host, std::move(p));
  const Batch batch(seat);
  snapshot.start(&seat);
  EXPECT_TRUE(cut);
  EXPECT_TRUE(seat.inside());
  EXPECT_TRUE(snapshot.wait(&seat));
  EXPECT_TRUE(seat.inside());
}

TEST_F(SnapshotTest, EndsWithAnErrorWhenCancelled) {
  set(0, "k", "v");
  Gate gate;
  std::string out;
  SnapshotPlan p = plan(out, &gate);
  std::string reported;
  p.on_done = [&](const Result<void>& r) { reported = r ? "ok" : r.error().detail; };
  SlotSnapshot snapshot(host, std::move(p));
  snapshot.start(&seat);
  gate.wait_for_arrival();
  snapshot.cancel();
  gate.open();
  EXPECT_FALSE(snapshot.wait(&seat));
  EXPECT_EQ(reported, "the snapshot was cancelled");
  EXPECT_EQ(out, "");
}

/// Accounts in many slots, and in one.
class SnapshotOfAccounts : public SnapshotTest, public ::testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(Keys, SnapshotOfAccounts, ::testing::Values("acct:", "{acct}:"));

TEST_P(SnapshotOfAccounts, ArePointsInTimeUnderConcurrentTransfers) {
  constexpr int kAccounts = 300;
  constexpr std::int64_t kStart = 1000;
  for (int i = 0; i < kAccounts; ++i) set(0, GetParam() + std::to_string(i), std::to_string(kStart));
  std::atomic<bool> stop{false};
  std::vector<Thread> writers;
  for (std::uint64_t w = 0; w < 3; ++w) {
    keyspace::SafePoint::Participant& own_seat = keys.safe_point().join();
    keyspace::Counters& counters = keys.add_counters();
    writers.emplace_back("writer", [&, w] {
      Rng own(w);
      const AccessContext ctx{.now = context.now, .counters = &counters, .rng = &own};
      while (!stop.load(std::memory_order_relaxed)) {
        const Batch batch(own_seat);
        const std::string a = GetParam() + std::to_string(own.below(kAccounts));
        const std::string b = GetParam() + std::to_string(own.below(kAccounts));
        if (a == b) continue;
        const std::array<KeyRef, 2> refs = {keys.ref(a), keys.ref(b)};
        const SlotGuard guard(keys, refs);
        Db db(keys, DbIndex{0}, ctx);
        const auto amount = static_cast<std::int64_t>(own.below(50));
        db.set_int(refs[0], db.find(refs[0], keyspace::Access::kWrite)->int_value() - amount, NoExpiry{});
        db.set_int(refs[1], db.find(refs[1], keyspace::Access::kWrite)->int_value() + amount, NoExpiry{});
      }
    });
  }
  for (int round = 0; round < 8; ++round) {
    std::string first_out;
    std::string second_out;
    SlotSnapshot first(host, plan(first_out));
    SlotSnapshot second(host, plan(second_out));
    first.start(&seat);
    second.start(&seat);
    EXPECT_TRUE(first.wait(&seat));
    EXPECT_TRUE(second.wait(&seat));
    for (const std::string* out : {&first_out, &second_out}) {
      std::int64_t sum = 0;
      const auto entries = content(*out);
      for (const auto& [key, value] : entries) sum += *parse_i64(value);
      EXPECT_EQ(entries.size(), static_cast<std::size_t>(kAccounts));
      EXPECT_EQ(sum, kAccounts * kStart);
    }
  }
  stop = true;
}

class SaveTest : public SnapshotTest {
 protected:
  SaveJob job() const {
    return {.path = "dump.rdb", .at_cut = [] { return AuxInput{.redis_version = "7.2.4"}; }};
  }
  testing::FaultyFileSystem fs{3};
};

TEST_F(SaveTest, WritesAFileThatLoadsAgain) {
  set(0, "k", "v");
  set(3, "n", "12");
  RdbSaver saver(host, fs);
  ASSERT_TRUE(saver.save(job(), &seat));
  fs.crash();  // what SAVE acknowledged is durable
  Keyspace other(4);
  const auto report = load_rdb_file(other, fs, "dump.rdb", {.now = context.now});
  ASSERT_TRUE(report) << report.error().detail;
  EXPECT_EQ(report->total.keys_loaded, 2U);
  EXPECT_EQ(report->aux[0].value, "7.2.4");
  EXPECT_FALSE(fs.exists("temp-" + std::to_string(::getpid()) + ".rdb"));
  EXPECT_EQ(saver.status().saves, 1U);
}

TEST_F(SaveTest, LeavesTheFormerFileWhenTheDiskIsFull) {
  set(0, "k", "v");
  RdbSaver saver(host, fs);
  ASSERT_TRUE(saver.save(job(), &seat));
  const std::string former = *read_file(fs, "dump.rdb");
  set(0, "long", std::string(900, 'q') + "z");
  fs.set_capacity(former.size() + 10);
  const auto failed = saver.save(job(), &seat);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().detail, HasSubstr("No space left on device"));
  EXPECT_FALSE(saver.status().last_error) << "who waited has been told";
  ASSERT_TRUE(saver.start(job(), &seat));
  saver.wait(&seat);
  ASSERT_TRUE(saver.status().last_error);
  EXPECT_EQ(*read_file(fs, "dump.rdb"), former);
  EXPECT_EQ(fs.list(".")->size(), 1U);
  fs.set_capacity(std::nullopt);
  EXPECT_TRUE(saver.save(job(), &seat));
  EXPECT_FALSE(saver.status().last_error);
}

TEST_F(SaveTest, ReportsAnUnwritableDirectoryAtOnce) {
  RdbSaver saver(host, fs);
  SaveJob j = job();
  j.path = "nowhere/dump.rdb";
  const auto started = saver.start(std::move(j), &seat);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().detail, HasSubstr("No such file or directory"));
  EXPECT_FALSE(saver.status().running);
  EXPECT_TRUE(saver.status().last_error);
}

TEST_F(SaveTest, KeepsOldOrNewFileWheneverThePowerFails) {
  set(0, "k", "old");
  for (std::uint64_t step = 1; step < 12; ++step) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      testing::FaultyFileSystem disk(seed);
      set(0, "k", "old");
      RdbSaver saver(host, disk);
      ASSERT_TRUE(saver.save(job(), &seat));
      set(0, "k", "new");
      disk.lose_power_after(step);
      const bool acknowledged = saver.save(job(), &seat).has_value();
      disk.crash();
      const auto file = read_file(disk, "dump.rdb");
      ASSERT_TRUE(file);
      const std::string value = content(*file).at("0:k");
      EXPECT_TRUE(value == "new" || (!acknowledged && value == "old")) << step << "/" << seed;
    }
  }
}

TEST_F(SaveTest, RefusesASecondSaveMeanwhileAndCountsChangesAtTheCut) {
  keyspace::Counters& counters = *context.counters;
  keyspace::Counters::bump(counters.changes, 5);
  RdbSaver saver(host, fs);
  std::string refusal;
  SaveJob j = job();
  j.at_cut = [&] {
    const auto second = saver.start(job(), nullptr);
    refusal = second ? "started" : second.error().detail;
    return AuxInput{};
  };
  ASSERT_TRUE(saver.save(std::move(j), &seat));
  EXPECT_EQ(refusal, "Background save already in progress");
  EXPECT_EQ(saver.status().changes_at_cut, 5U);
}

}  // namespace
}  // namespace ashlar::snapshot
