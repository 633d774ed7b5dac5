#include "replication/backlog.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ashlar::replication {
namespace {

TEST(Backlog, KeepsTheNewestBytesAndKnowsTheirOffsets) {
  Backlog log(8);
  log.append("abcde");
  EXPECT_EQ(log.begin(), 0);
  EXPECT_EQ(log.end(), 5);
  EXPECT_EQ(log.from(2), "cde");
  log.append("fghij");
  EXPECT_EQ(log.begin(), 2);
  EXPECT_EQ(log.end(), 10);
  EXPECT_EQ(log.from(2), "cdefghij");
  EXPECT_EQ(log.from(9), "j");
  EXPECT_EQ(log.from(10), "");
}

TEST(Backlog, HoldsFromItsOldestByteToItsEnd) {
  Backlog log(4);
  log.append("abcdef");
  EXPECT_FALSE(log.holds(1));
  EXPECT_TRUE(log.holds(2));
  EXPECT_TRUE(log.holds(6));
  EXPECT_FALSE(log.holds(7));
  EXPECT_FALSE(log.holds(-1));
}

TEST(Backlog, TakesPiecesLargerThanItself) {
  Backlog log(3);
  log.append("x");
  log.append("abcdefg");
  EXPECT_EQ(log.from(5), "efg");
  log.append("h");
  EXPECT_EQ(log.from(6), "fgh");
}

TEST(Backlog, TakesPiecesOfExactlyItsSize) {
  Backlog log(3);
  log.append("x");
  log.append("abc");
  EXPECT_EQ(log.begin(), 1);
  EXPECT_EQ(log.from(1), "abc");
}

TEST(Backlog, TakesMemoryForWhatHasCome) {
  Backlog log(std::size_t{1} << 60);
  log.append("abc");
  EXPECT_EQ(log.from(0), "abc");
  log.resize(std::size_t{1} << 61);
  EXPECT_EQ(log.from(1), "bc");
}

TEST(Backlog, KeepsTheNewestBytesWhileItGrowsToItsCapacity) {
  Backlog log(1'000'000);
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 1500), static_cast<char>('a' + i % 26));
    log.append(piece);
    all += piece;
    const std::size_t kept = std::min<std::size_t>(all.size(), 1'000'000);
    ASSERT_EQ(log.size(), kept);
    if (i % 100 == 0) ASSERT_EQ(log.from(log.begin()), all.substr(all.size() - kept)) << i;
  }
}

TEST(Backlog, KeepsTheNewestBytesWhenItShrinksAndAllWhenItGrows) {
  Backlog log(6);
  log.append("abcdefgh");
  log.resize(4);
  EXPECT_EQ(log.begin(), 4);
  EXPECT_EQ(log.from(4), "efgh");
  log.resize(10);
  EXPECT_EQ(log.from(4), "efgh");
  log.append("ijklmn");
  EXPECT_EQ(log.from(4), "efghijklmn");
  EXPECT_EQ(log.end(), 14);
}

TEST(Backlog, BeginsAgainAtAnyOffset) {
  Backlog log(4);
  log.append("abc");
  log.reset(1000);
  EXPECT_FALSE(log.holds(3));
  EXPECT_TRUE(log.holds(1000));
  log.append("de");
  EXPECT_EQ(log.from(1000), "de");
}

}  // namespace
}  // namespace ashlar::replication
