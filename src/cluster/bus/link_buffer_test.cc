#include "cluster/bus/link_buffer.h"

#include <gtest/gtest.h>

#include <array>

#include "base/rng.h"

namespace ashlar::cluster::bus {
namespace {

using Push = LinkBuffer::Push;
constexpr std::size_t kOverhead = LinkBuffer::kFrameOverhead;

std::string pending_text(const LinkBuffer& buffer) {
  std::array<std::string_view, 16> pieces;
  std::string text;
  const std::size_t count = buffer.pending(pieces);
  for (std::size_t i = 0; i < count; ++i) text += pieces[i];
  return text;
}

TEST(LinkBuffer, OffersBytesInOrderOfPush) {
  LinkBuffer buffer(0);
  EXPECT_EQ(buffer.push(share("abc")), Push::kQueued);
  EXPECT_EQ(buffer.push(share("de")), Push::kQueued);
  EXPECT_EQ(pending_text(buffer), "abcde");
  EXPECT_EQ(buffer.unsent_bytes(), 5U);
}

TEST(LinkBuffer, GoesOnWhereTheSocketStopped) {
  LinkBuffer buffer(0);
  ASSERT_EQ(buffer.push(share("abc")), Push::kQueued);
  ASSERT_EQ(buffer.push(share("de")), Push::kQueued);
  buffer.written(2);
  EXPECT_EQ(pending_text(buffer), "cde");
  EXPECT_EQ(buffer.queued_bytes(), 5 + 2 * kOverhead) << "a frame counts until its last byte is out";
  buffer.written(2);
  EXPECT_EQ(pending_text(buffer), "e");
  EXPECT_EQ(buffer.queued_bytes(), 2 + kOverhead);
  EXPECT_EQ(buffer.unsent_bytes(), 1U);
  buffer.written(1);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.queued_bytes(), 0U);
}

TEST(LinkBuffer, FillsNoMorePiecesThanThereIsRoomFor) {
  LinkBuffer buffer(0);
  for (const char* text : {"a", "b", "c"}) ASSERT_EQ(buffer.push(share(text)), Push::kQueued);
  std::array<std::string_view, 2> pieces;
  EXPECT_EQ(buffer.pending(pieces), 2U);
  EXPECT_EQ(pieces[1], "b");
}

TEST(LinkBuffer, RefusesAFrameThatExceedsTheLimit) {
  LinkBuffer buffer(10 + 2 * kOverhead);
  EXPECT_EQ(buffer.push(share("12345")), Push::kQueued);
  EXPECT_EQ(buffer.push(share("123456")), Push::kOverLimit);
  EXPECT_EQ(buffer.push(share("12345")), Push::kQueued) << "exactly the limit is allowed";
  EXPECT_EQ(buffer.push(share("1")), Push::kOverLimit);
  EXPECT_EQ(pending_text(buffer), "1234512345");
}

TEST(LinkBuffer, TakesALoneFrameOfAnySize) {
  LinkBuffer buffer(4);
  EXPECT_EQ(buffer.push(share("123456789")), Push::kQueued);
  EXPECT_EQ(buffer.push(share("1")), Push::kOverLimit);
  buffer.written(9);
  EXPECT_EQ(buffer.push(share("123456789")), Push::kQueued);
}

TEST(LinkBuffer, SharesOneFrameBetweenLinksWithoutCopy) {
  const SharedFrame frame = share("broadcast");
  LinkBuffer one(0);
  LinkBuffer two(0);
  ASSERT_EQ(one.push(frame), Push::kQueued);
  ASSERT_EQ(two.push(frame), Push::kQueued);
  std::array<std::string_view, 1> piece;
  ASSERT_EQ(one.pending(piece), 1U);
  EXPECT_EQ(piece[0].data(), frame->data());
  one.written(4);
  EXPECT_EQ(pending_text(two), "broadcast") << "each link has its own place in the frame";
  one.clear();
  two.written(9);
  EXPECT_EQ(frame.use_count(), 1);
}

TEST(LinkBuffer, StartsAfreshAfterClear) {
  LinkBuffer buffer(0);
  ASSERT_EQ(buffer.push(share("abc")), Push::kQueued);
  buffer.written(1);
  buffer.clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.queued_bytes(), 0U);
  ASSERT_EQ(buffer.push(share("xyz")), Push::kQueued);
  EXPECT_EQ(pending_text(buffer), "xyz");
}

TEST(LinkBuffer, DeliversTheSameStreamHoweverWritesAreCut) {
  Rng rng(3);
  LinkBuffer buffer(0);
  std::string pushed;
  std::string received;
  for (int i = 0; i < 2000; ++i) {
    if (rng.chance(0.4)) {
      const std::string text(1 + rng.below(50), static_cast<char>('a' + rng.below(26)));
      pushed += text;
      ASSERT_EQ(buffer.push(share(text)), Push::kQueued);
    }
    std::array<std::string_view, 3> pieces;
    const std::size_t count = buffer.pending(pieces);
    std::size_t room = rng.below(60);
    std::size_t out = 0;
    for (std::size_t p = 0; p < count && room != 0; ++p) {
      const std::string_view part = pieces[p].substr(0, room);
      received += part;
      out += part.size();
      room -= part.size();
    }
    buffer.written(out);
    ASSERT_EQ(buffer.unsent_bytes(), pushed.size() - received.size());
  }
  EXPECT_EQ(received, pushed.substr(0, received.size()));
}

}  // namespace
}  // namespace ashlar::cluster::bus
