#include "server/slot_costs.h"

#include <gtest/gtest.h>

#include <array>

#include "base/key_slot.h"

namespace ashlar::server {
namespace {

TEST(SlotCosts, FrameHasTheBytesOfARequest) {
  const std::array<std::string_view, 3> set = {"SET", "key", "value"};
  EXPECT_EQ(frame_bytes(set), std::string_view("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n").size());
}

TEST(SlotCosts, LengthsOfSeveralDigitsTakeSeveralBytes) {
  const std::string big(1000, 'x');
  const std::array<std::string_view, 2> words = {"ECHO", big};
  EXPECT_EQ(frame_bytes(words), std::string_view("*2\r\n$4\r\nECHO\r\n$1000\r\n").size() + 1000 + 2);
}

TEST(SlotCosts, SeveralEffectsStandBetweenMultiAndExec) {
  const std::vector<std::vector<std::string>> one = {{"DEL", "a"}};
  const std::vector<std::vector<std::string>> two = {{"DEL", "a"}, {"DEL", "b"}};
  const std::size_t del = std::string_view("*2\r\n$3\r\nDEL\r\n$1\r\na\r\n").size();
  EXPECT_EQ(streamed_bytes(one), del);
  EXPECT_EQ(streamed_bytes(two), 2 * del + std::string_view("*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n").size());
}

TEST(SlotCosts, AShardMessageCountsForEachOfItsReceivers) {
  cluster::SlotStats stats;
  stats.start();
  count_shard_message(stats, "channel", "hello", 3);
  const std::size_t frame = std::string_view("*3\r\n$8\r\nsmessage\r\n$7\r\nchannel\r\n$5\r\nhello\r\n").size();
  EXPECT_EQ(stats.of(key_slot("channel")), (cluster::SlotStats::Costs{.bytes_out = 3 * frame}));
}

TEST(SlotCosts, AShardMessageIsNotCountedWhileCountingIsOff) {
  cluster::SlotStats stats;
  count_shard_message(stats, "channel", "hello", 3);
  EXPECT_EQ(stats.of(key_slot("channel")), cluster::SlotStats::Costs{});
}

}  // namespace
}  // namespace ashlar::server
