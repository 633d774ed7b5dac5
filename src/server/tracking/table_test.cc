#include "server/tracking/table.h"

#include <gtest/gtest.h>

#include <string>

#include "base/sync.h"
#include "keyspace/slot_guard.h"

namespace ashlar::server::tracking {
namespace {

struct Fixture {
  keyspace::Keyspace keyspace{1};
  Table table{keyspace};
  Inbox inbox{[] {}};
  Inbox other{[] {}};
  ChangedKeys changed;

  void read(std::string_view key, std::uint64_t reader, Inbox& where) {
    const keyspace::KeyRef ref = keyspace.ref(key);
    const keyspace::SlotGuard guard(keyspace, ref.slot);
    table.remember({&ref, 1}, ClientId{reader}, where);
  }
  void read(std::string_view key, std::uint64_t reader) { read(key, reader, inbox); }
  /// As Db::modified() does it.
  void write(std::string_view key) {
    const keyspace::KeyRef ref = keyspace.ref(key);
    const keyspace::SlotGuard guard(keyspace, ref.slot);
    if (keyspace.interest(ref.slot) != 0) table.key_modified(ref, ClientId{}, changed);
  }
  /// Ends the turn of the writer. Returns how many parcels the loop has got.
  std::size_t told() {
    table.broadcast(changed);
    return inbox.drain().size();
  }
};

TEST(TrackingTable, TellsAKeyOnceThenForgetsIt) {
  Fixture f;
  f.read("k", 1);
  f.read("k", 1);
  f.read("k", 2);
  EXPECT_EQ(f.table.keys(), 1U);
  EXPECT_EQ(f.table.items(), 2U);
  f.write("k");
  EXPECT_EQ(f.told(), 1U) << "one parcel for both readers of the loop";
  f.write("k");
  EXPECT_EQ(f.told(), 0U);
  EXPECT_EQ(f.table.keys(), 0U);
  EXPECT_EQ(f.table.items(), 0U);
}

TEST(TrackingTable, LeavesASlotWithoutInterestOnceItsLastKeyIsForgotten) {
  Fixture f;
  const SlotId slot = f.keyspace.ref("{s}a").slot;
  EXPECT_EQ(f.keyspace.interest(slot), 0);
  f.read("{s}a", 1);
  f.read("{s}b", 1);
  f.write("{s}a");
  EXPECT_EQ(f.keyspace.interest(slot), Table::kInterest);
  f.write("{s}b");
  EXPECT_EQ(f.keyspace.interest(slot), 0);
}

TEST(TrackingTable, TellsEachLoopThatHasReaders) {
  Fixture f;
  f.read("k", 1, f.inbox);
  f.read("k", 2, f.other);
  f.write("k");
  EXPECT_EQ(f.told(), 1U);
  EXPECT_EQ(f.other.drain().size(), 1U);
}

TEST(TrackingTable, BroadcastsKeysThatBeginWithAPrefixAlthoughNobodyReadThem) {
  Fixture f;
  f.table.add_prefix("a:", f.inbox);
  f.table.add_prefix("a:b", f.inbox);
  f.write("a:");
  EXPECT_EQ(f.told(), 1U);
  f.write("a:bc");
  EXPECT_EQ(f.told(), 2U);
  f.write("b");
  EXPECT_EQ(f.told(), 0U);
  f.table.remove_prefix("a:", f.inbox);
  f.write("a:bc");
  EXPECT_EQ(f.told(), 1U);
  f.table.remove_prefix("a:b", f.inbox);
  EXPECT_EQ(f.keyspace.interest(f.keyspace.ref("a:bc").slot), 0);
  EXPECT_EQ(f.table.prefixes(), 0U);
}

TEST(TrackingTable, TheEmptyPrefixMatchesEveryKey) {
  Fixture f;
  f.table.add_prefix("", f.inbox);
  f.write("");
  EXPECT_EQ(f.told(), 1U);
  f.write("x");
  EXPECT_EQ(f.told(), 1U);
}

TEST(TrackingTable, BroadcastsTheKeysOfATurnAsOneListForEachPrefix) {
  Fixture f;
  f.table.add_prefix("a:", f.inbox);
  f.table.add_prefix("b:", f.inbox);
  for (const char* key : {"a:1", "b:1", "a:2", "c:1", "a:1"}) f.write(key);
  EXPECT_EQ(f.told(), 2U);
  EXPECT_EQ(f.told(), 0U);
}

TEST(TrackingTable, GivesUpKeysUntilItsLimitHoldsAndTellsTheirReaders) {
  Fixture f;
  Rng rng(1);
  for (int i = 0; i < 10; ++i) f.read("k" + std::to_string(i), 1);
  f.table.set_limit(4);
  EXPECT_TRUE(f.table.over_limit());
  f.table.enforce_limit(rng);
  EXPECT_EQ(f.table.keys(), 4U);
  EXPECT_EQ(f.told(), 6U);
  EXPECT_FALSE(f.table.over_limit());
}

TEST(TrackingTable, AFlushForgetsAllAndTellsEveryLoopWithATrackingConnection) {
  Fixture f;
  f.table.add_client(f.inbox);
  f.table.add_client(f.inbox);
  f.table.add_client(f.other);
  f.read("k", 1);
  {
    const keyspace::SafePoint::Exclusive all(f.keyspace.safe_point(), nullptr);
    f.table.flushed();
  }
  EXPECT_EQ(f.told(), 1U);
  EXPECT_EQ(f.other.drain().size(), 1U);
  EXPECT_EQ(f.table.keys(), 0U);
  EXPECT_EQ(f.keyspace.interest(f.keyspace.ref("k").slot), 0);
}

TEST(TrackingTable, NoWriteBehindAReadGoesUntoldWhenThreadsRace) {
  constexpr int kRounds = 2000;
  Fixture f;
  {
    Thread reader("reader", [&] {
      for (int i = 0; i < kRounds; ++i) f.read("k" + std::to_string(i % 10), 1);
    });
    Thread writer("writer", [&] {
      for (int i = 0; i < kRounds; ++i) f.write("k" + std::to_string(i % 10));
    });
  }
  for (int i = 0; i < 10; ++i) f.write("k" + std::to_string(i));
  EXPECT_EQ(f.table.keys(), 0U);
  EXPECT_EQ(f.table.items(), 0U);
  EXPECT_GE(f.told(), 1U);
}

}  // namespace
}  // namespace ashlar::server::tracking
