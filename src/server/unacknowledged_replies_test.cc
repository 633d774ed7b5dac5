#include "server/unacknowledged_replies.h"

#include <gtest/gtest.h>

namespace ashlar::server {
namespace {

constexpr MonoTime at(std::int64_t ms) { return MonoTime(Millis(ms)); }

struct Connection {
  ByteBuffer out;
  std::uint64_t sent = 0;
  UnacknowledgedReplies waiting;

  void write(std::string_view reply, std::int64_t offset, MonoTime deadline) {
    const std::uint64_t begin = sent + out.size();
    out.append(reply);
    waiting.add({offset, begin, begin + reply.size(), deadline});
  }
  std::string send() {
    const std::string_view free =
        out.view().substr(0, std::min<std::uint64_t>(waiting.free_until() - sent, out.size()));
    std::string bytes(free);
    sent += free.size();
    out.consume_front(free.size());
    return bytes;
  }
};

TEST(UnacknowledgedReplies, WhatStandsBeforeAWriteLeavesAtOnceAndTheRestWithTheAcknowledgement) {
  Connection c;
  c.out.append("$1\r\na\r\n");
  c.write("+OK\r\n", 100, at(50));
  c.out.append("$1\r\nb\r\n");
  c.write(":1\r\n", 200, at(60));
  EXPECT_EQ(c.send(), "$1\r\na\r\n");
  c.waiting.acknowledge(99);
  EXPECT_EQ(c.send(), "");
  c.waiting.acknowledge(150);
  EXPECT_EQ(c.send(), "+OK\r\n$1\r\nb\r\n");
  c.waiting.acknowledge(200);
  EXPECT_EQ(c.send(), ":1\r\n");
  EXPECT_TRUE(c.waiting.empty());
}

TEST(UnacknowledgedReplies, AnOverdueReplyIsReplacedAndItsNeighboursKeepTheirPlaces) {
  Connection c;
  c.out.append("first");
  EXPECT_EQ(c.send(), "first");
  c.write("+OK\r\n", 100, at(50));
  c.out.append("read");
  c.write(":1\r\n", 200, at(50));
  c.write("*2\r\n:1\r\n:2\r\n", 300, at(70));
  c.out.append("tail");
  EXPECT_EQ(c.waiting.refuse(at(49), "-NO\r\n", c.out, c.sent), 0U);
  EXPECT_EQ(c.waiting.refuse(at(50), "-NOREPLICAS\r\n", c.out, c.sent), 2U);
  EXPECT_EQ(c.send(), "-NOREPLICAS\r\nread-NOREPLICAS\r\n");
  EXPECT_EQ(c.waiting.deadline(), at(70));
  c.waiting.acknowledge(300);
  EXPECT_EQ(c.send(), "*2\r\n:1\r\n:2\r\ntail");
}

TEST(UnacknowledgedReplies, BytesPutInBeforeThemMoveThem) {
  Connection c;
  c.out.append("ab");
  c.write("+OK\r\n", 100, at(50));
  c.out.truncate(1);  // "filled" goes between a and b
  c.out.append("filledb+OK\r\n");
  c.waiting.shift(1, 6);
  EXPECT_EQ(c.send(), "afilledb");
  EXPECT_EQ(c.waiting.refuse(at(50), "-E\r\n", c.out, c.sent), 1U);
  EXPECT_EQ(c.send(), "-E\r\n");
}

}  // namespace
}  // namespace ashlar::server
