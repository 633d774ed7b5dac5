#include "replication/stream.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace ashlar::replication {
namespace {

struct StreamTest : ::testing::Test {
  Rng rng{7};
  NodeId first = draw_node_id(rng);
  NodeId second = draw_node_id(rng);
  int wakes = 0;
  Stream stream{first, 16, [this] { ++wakes; }};
};

TEST_F(StreamTest, WakesOnceUntilItsBytesAreTaken) {
  stream.append("lost");
  stream.set_readers(Stream::Readers::kSome);
  stream.append("ab");
  stream.append("cd");
  EXPECT_EQ(wakes, 1);
  const auto held = std::make_shared<CountedMemory::Counter>(0);
  const auto block = stream.take(held);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block->begin, 4);
  EXPECT_EQ(block->bytes, "abcd");
  EXPECT_EQ(stream.take(held), nullptr);
  stream.append("e");
  EXPECT_EQ(wakes, 2);
}

TEST_F(StreamTest, TellsWhatMemoryItsUntakenBytesHave) {
  stream.append(std::string(1000, 'x'));
  EXPECT_EQ(stream.waiting_memory(), 0U);
  stream.set_readers(Stream::Readers::kSome);
  stream.append(std::string(1000, 'x'));
  EXPECT_GE(stream.waiting_memory(), 1000U);
  const auto held = std::make_shared<CountedMemory::Counter>(0);
  {
    const auto block = stream.take(held);
    EXPECT_GE(held->load(), 1000U);
  }
  EXPECT_EQ(held->load() + stream.waiting_memory(), 0U);
  stream.append(std::string(1000, 'x'));
  stream.set_readers(Stream::Readers::kNone);
  EXPECT_EQ(stream.waiting_memory(), 0U);
}

TEST_F(StreamTest, ResumesWhatTheBacklogHoldsOfItsHistory) {
  stream.append("0123456789");
  const auto rest = stream.resume(first, 7);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->missing, "789");
  EXPECT_EQ(rest->position, 7);
  EXPECT_FALSE(stream.resume(second, 7));
  EXPECT_FALSE(stream.resume(first, 11));
  stream.append("0123456789");
  EXPECT_FALSE(stream.resume(first, 3));
  EXPECT_TRUE(stream.resume(first, 4));
}

TEST_F(StreamTest, ResumesTheOldHistoryOnlyUpToThePromotion) {
  stream.append("abc");
  stream.rename(second);
  stream.append("de");
  EXPECT_EQ(stream.history().second_offset, 4);
  const auto rest = stream.resume(first, 3);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->id, second);
  EXPECT_EQ(rest->missing, "de");
  EXPECT_FALSE(stream.resume(first, 4)) << "that replica has bytes we never had";
  EXPECT_TRUE(stream.resume(second, 4));
}

TEST_F(StreamTest, DoesNotTakeTheMissingSecondHistoryForOne) { EXPECT_FALSE(stream.resume(NodeId(), 0)); }

TEST_F(StreamTest, TranslatesRecordedBytesIntoOffsets) {
  stream.restart(second, 100);
  stream.append("abcdef");
  EXPECT_EQ(stream.end(), 106);
  EXPECT_EQ(stream.offset_of(4), 104);
  EXPECT_EQ(stream.offset_of(0), 0);
}

}  // namespace
}  // namespace ashlar::replication
