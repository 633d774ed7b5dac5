#include "server/client_ledger.h"

#include <gtest/gtest.h>

namespace ashlar::server {
namespace {

TEST(ClientLedger, NamesALoopWithOneOfTheLargestConnections) {
  ClientLedger ledger;
  int woken = 0;
  ClientLedger::Account& mine = ledger.join([] {});
  ClientLedger::Account& other = ledger.join([&] { ++woken; });
  EXPECT_EQ(ledger.largest(mine).account, nullptr);
  mine.move(ClientLedger::kNone, ClientLedger::bucket_of(1000));
  other.move(ClientLedger::kNone, ClientLedger::bucket_of(5000));
  EXPECT_EQ(ledger.largest(mine).account, &other);
  ledger.largest(mine).account->wake();
  EXPECT_EQ(woken, 1);
  other.move(ClientLedger::bucket_of(5000), ClientLedger::bucket_of(100));
  EXPECT_EQ(ledger.largest(mine).account, &mine);
  EXPECT_EQ(ledger.largest(mine).bucket, ClientLedger::bucket_of(1000));
}

TEST(ClientLedger, PrefersTheAskingLoopAmongConnectionsOfOneSize) {
  ClientLedger ledger;
  ClientLedger::Account& first = ledger.join([] {});
  ClientLedger::Account& second = ledger.join([] {});
  first.move(ClientLedger::kNone, ClientLedger::bucket_of(1500));
  second.move(ClientLedger::kNone, ClientLedger::bucket_of(1100));
  EXPECT_EQ(ledger.largest(second).account, &second);
  second.move(ClientLedger::bucket_of(1100), ClientLedger::kNone);
  EXPECT_EQ(ledger.largest(second).account, &first);
}

TEST(ClientLedger, SumsTheSpareBuffersOfAllLoops) {
  ClientLedger ledger;
  ledger.join([] {}).spare = 100;
  ledger.join([] {}).spare = 50;
  EXPECT_EQ(ledger.spare(), 150U);
  EXPECT_EQ(ledger.bytes(), 0U);
}

TEST(ClientLedger, KnowsWhenAllOtherLoopsHaveHadAWholeTurn) {
  ClientLedger ledger;
  int woken = 0;
  ClientLedger::Account& mine = ledger.join([&] { woken += 100; });
  ClientLedger::Account& other = ledger.join([&] { ++woken; });
  other.turns = 7;
  const auto then = ledger.turns();
  ledger.wake_others(mine);
  EXPECT_EQ(woken, 1);
  other.turns = 8;  // perhaps the one that was under way
  EXPECT_FALSE(ledger.others_had_turn(mine, then));
  other.turns = 9;
  EXPECT_TRUE(ledger.others_had_turn(mine, then));
}

TEST(ClientLedger, IsOverItsLimitOnlyWhenThereIsOne) {
  ClientLedger ledger;
  ledger.join([] {}).bytes = 100;
  ledger.join([] {}).bytes = 50;
  EXPECT_FALSE(ledger.over_limit());
  ledger.set_limit(150);
  EXPECT_FALSE(ledger.over_limit());
  ledger.set_limit(149);
  EXPECT_TRUE(ledger.over_limit());
}

}  // namespace
}  // namespace ashlar::server
