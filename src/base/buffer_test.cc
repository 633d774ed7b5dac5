#include "base/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/rng.h"

namespace ashlar {
namespace {

TEST(ByteBuffer, StartsEmptyAndHoldsNoMemory) {
  const ByteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.view(), "");
  EXPECT_EQ(buffer.capacity(), 0U);
}

TEST(ByteBuffer, GivesBackBytesInOrder) {
  ByteBuffer buffer;
  buffer.append("hello ");
  buffer.append("world");
  buffer.push_back('!');
  EXPECT_EQ(buffer.view(), "hello world!");
  buffer.consume_front(6);
  EXPECT_EQ(buffer.view(), "world!");
  buffer.truncate(5);
  EXPECT_EQ(buffer.view(), "world");
}

TEST(ByteBuffer, ReservedBytesCountOnlyOnceCommitted) {
  ByteBuffer buffer;
  char* room = buffer.reserve_back(4);
  std::memcpy(room, "abcd", 4);
  EXPECT_TRUE(buffer.empty());
  buffer.commit(3);
  EXPECT_EQ(buffer.view(), "abc");
}

TEST(ByteBuffer, ReusesTheSpaceOfConsumedBytesInsteadOfGrowing) {
  ByteBuffer buffer;
  buffer.append(std::string(250, 'x'));
  const std::size_t capacity = buffer.capacity();
  for (int i = 0; i < 1000; ++i) {
    buffer.append("0123456789");
    buffer.consume_front(buffer.size() - 5);
    EXPECT_EQ(buffer.view(), "56789");
  }
  EXPECT_LE(buffer.capacity(), 2 * capacity);
}

TEST(ByteBuffer, ExactReservationTakesNoMoreThanAsked) {
  ByteBuffer buffer;
  buffer.append("x");
  (void)buffer.reserve_back_exact(100'000);
  EXPECT_EQ(buffer.capacity(), 100'001U);
  EXPECT_EQ(buffer.view(), "x");
}

TEST(ByteBuffer, EraseCutsOutTheMiddleFromEitherSide) {
  ByteBuffer near_front;
  near_front.append("abXXcdefgh");
  near_front.erase(2, 2);
  EXPECT_EQ(near_front.view(), "abcdefgh");
  ByteBuffer near_back;
  near_back.append("abcdefXXgh");
  near_back.erase(6, 2);
  EXPECT_EQ(near_back.view(), "abcdefgh");
  near_back.erase(0, 8);
  EXPECT_TRUE(near_back.empty());
}

TEST(ByteBuffer, ShrinkKeepsContentAndGivesMemoryBack) {
  ByteBuffer buffer;
  buffer.append(std::string(100'000, 'a'));
  buffer.append("tail");
  buffer.consume_front(100'000);
  buffer.shrink(1024);
  EXPECT_EQ(buffer.view(), "tail");
  EXPECT_EQ(buffer.capacity(), 1024U);
  buffer.consume_front(4);
  buffer.shrink(0);
  EXPECT_EQ(buffer.capacity(), 0U);
  buffer.append("again");
  EXPECT_EQ(buffer.view(), "again");
}

TEST(ByteBuffer, ShrinkLeavesAFullBufferAlone) {
  ByteBuffer buffer;
  buffer.append(std::string(1000, 'a'));
  const std::size_t capacity = buffer.capacity();
  buffer.shrink(0);
  EXPECT_EQ(buffer.capacity(), capacity);
}

TEST(ByteBuffer, MovingLeavesTheSourceEmpty) {
  ByteBuffer source;
  source.append("abc");
  ByteBuffer target(std::move(source));
  EXPECT_EQ(target.view(), "abc");
  ByteBuffer assigned;
  assigned = std::move(target);
  EXPECT_EQ(assigned.view(), "abc");
}

TEST(ByteBuffer, AgreesWithAStringUnderRandomOperations) {
  Rng rng(7);
  ByteBuffer buffer;
  std::string model;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t n = rng.next() % 400;
    switch (rng.next() % 6) {
      case 0:
      case 1: {
        const std::string piece(n, static_cast<char>('a' + step % 26));
        buffer.append(piece);
        model += piece;
        break;
      }
      case 2:
      case 3: {
        const std::size_t drop = std::min<std::size_t>(n, model.size());
        buffer.consume_front(drop);
        model.erase(0, drop);
        break;
      }
      case 4: {
        const std::size_t at = model.empty() ? 0 : n % model.size();
        const std::size_t cut = std::min<std::size_t>(n / 8, model.size() - at);
        buffer.erase(at, cut);
        model.erase(at, cut);
        break;
      }
      default: buffer.shrink(n);
    }
    ASSERT_EQ(buffer.view(), model);
  }
}

}  // namespace
}  // namespace ashlar
