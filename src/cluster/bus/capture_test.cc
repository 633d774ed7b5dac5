// What real nodes said to each other, decoded and written again. Expected values come from what the nodes were told to
// do and from their CLUSTER NODES replies at the time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "cluster/bus/codec.h"
#include "cluster/bus/frame_reader.h"
#include "cluster/bus/test_frames.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {
namespace {

const char* const kNodes[] = {"a5937b52fd75512cd1ff3dc0eb8c037b87d7a420", "08ab30751d00c71a187e91ff294faebe2788bfdb",
                              "1b0293c5b18b2fb870e5973ccdef32411a56f578", "5fc4d3a1e42ae5b786f3c83079f7039dd93cc8ec"};

NodeId node(int i) { return *NodeId::from_hex(kNodes[i]); }

std::string recorded(const std::string& file, const std::string& name) {
  const auto frames = load_frames(BUS_TESTDATA, file);
  EXPECT_TRUE(frames.has_value()) << file;
  if (!frames) return {};
  const auto it = frames->find(name);
  EXPECT_TRUE(it != frames->end()) << name;
  return it == frames->end() ? std::string() : it->second;
}

Message decoded(const std::string& file, const std::string& name) {
  auto result = decode(recorded(file, name));
  EXPECT_TRUE(result.has_value()) << name << ": " << (result ? "" : result.error().detail);
  if (!result) return {};
  auto* message = std::get_if<Message>(&*result);
  EXPECT_NE(message, nullptr) << name;
  return message == nullptr ? Message{} : std::move(*message);
}

SlotBitmap slots(std::uint32_t first, std::uint32_t last) {
  SlotBitmap set;
  for (std::uint32_t slot = first; slot <= last; ++slot) set.set(SlotId::wrap(slot));
  return set;
}

TEST(CapturedFrames, AreWrittenAgainByteForByte) {
  std::size_t seen = 0;
  for (const char* file : {"heartbeat.hex", "pubsub.hex", "failover.hex"}) {
    const auto frames = load_frames(BUS_TESTDATA, file);
    ASSERT_TRUE(frames.has_value()) << file;
    for (const auto& [name, bytes] : *frames) {
      const auto result = decode(bytes);
      ASSERT_TRUE(result.has_value()) << name << ": " << result.error().detail;
      const auto* message = std::get_if<Message>(&*result);
      ASSERT_NE(message, nullptr) << name;
      EXPECT_EQ(encode(*message), bytes) << name;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 17U);
}

TEST(CapturedFrames, MeetNamesItsSenderAndItsPorts) {
  const Message message = decoded("heartbeat.hex", "meet");
  EXPECT_EQ(message.header.sender, node(0));
  EXPECT_EQ(message.header.port, 21400);
  EXPECT_EQ(message.header.bus_port, 21450);
  EXPECT_EQ(message.header.other_port, 0);
  EXPECT_EQ(message.header.announced_ip, "127.0.0.1");
  EXPECT_EQ(message.header.current_epoch.value, 1U);
  EXPECT_EQ(message.header.config_epoch.value, 1U);
  EXPECT_EQ(message.header.slots, slots(0, 5460));
  EXPECT_EQ(message.header.state, ClusterState::kFail);
  EXPECT_EQ(message.header.flags, (NodeFlags{.role = RoleFlag::kPrimary, .myself = true}));
  EXPECT_TRUE(is_primary(message.header.role));
  EXPECT_EQ(message.body, Body(Heartbeat{.kind = HeartbeatKind::kMeet}));
}

TEST(CapturedFrames, PingCarriesHostnameAndGossip) {
  const Message message = decoded("heartbeat.hex", "ping_hostname");
  EXPECT_EQ(message.header.sender, node(1));
  EXPECT_EQ(message.header.slots, slots(5461, 10922));
  EXPECT_EQ(message.header.state, ClusterState::kOk);
  EXPECT_TRUE(message.header.extensions);
  const auto* ping = std::get_if<Heartbeat>(&message.body);
  ASSERT_NE(ping, nullptr);
  EXPECT_EQ(ping->kind, HeartbeatKind::kPing);
  EXPECT_THAT(ping->extensions, testing::ElementsAre(Extension(HostnameExtension{"node-one.example.org"})));
  const GossipEntry replica{.id = node(3),
                            .pong_received = 1795367587,
                            .ip = "127.0.0.1",
                            .port = 21403,
                            .bus_port = 21453,
                            .flags = {.role = RoleFlag::kReplica}};
  const GossipEntry primary{.id = node(2),
                            .ping_sent = 1795367588,
                            .pong_received = 1795367587,
                            .ip = "127.0.0.1",
                            .port = 21402,
                            .bus_port = 21452,
                            .flags = {.role = RoleFlag::kPrimary}};
  EXPECT_THAT(ping->gossip, testing::ElementsAre(replica, primary));
}

TEST(CapturedFrames, ReplicaNamesItsPrimary) {
  const Message message = decoded("heartbeat.hex", "pong_replica");
  EXPECT_EQ(message.header.sender, node(3));
  EXPECT_EQ(message.header.role, Role(ReplicaOf{node(0)}));
  EXPECT_EQ(message.header.flags.role, RoleFlag::kReplica);
  EXPECT_EQ(message.header.slots, slots(0, 5460)) << "a replica shows the slots of its primary";
}

TEST(CapturedFrames, PausedPrimarySaysSoWithItsOffset) {
  const Message message = decoded("heartbeat.hex", "ping_paused");
  EXPECT_TRUE(message.header.paused);
  EXPECT_EQ(message.header.offset.value, 14);
  EXPECT_TRUE(message.header.flags.migrate_to);
}

TEST(CapturedFrames, GossipTellsSuspectedFromFailed) {
  const Message suspects = decoded("heartbeat.hex", "suspects");
  const auto* first = std::get_if<Heartbeat>(&suspects.body);
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(first->gossip.size(), 3U);
  EXPECT_EQ(first->gossip[2].id, node(3));
  EXPECT_EQ(first->gossip[2].flags.health, Health::kSuspected);
  EXPECT_EQ(first->gossip[1].flags.health, Health::kOnline);
  const Message failed = decoded("heartbeat.hex", "failed");
  const auto* second = std::get_if<Heartbeat>(&failed.body);
  ASSERT_NE(second, nullptr);
  ASSERT_EQ(second->gossip.size(), 2U);
  EXPECT_EQ(second->gossip[0].id, node(3));
  EXPECT_EQ(second->gossip[0].flags.health, Health::kFailed);
}

TEST(CapturedFrames, PublishKeepsChannelApartFromMessage) {
  EXPECT_EQ(decoded("pubsub.hex", "publish").body, Body(Publish{ChannelKind::kGlobal, "news", "hello cluster"}));
  EXPECT_EQ(decoded("pubsub.hex", "publish_empty").body, Body(Publish{ChannelKind::kGlobal, "", ""}));
  EXPECT_EQ(decoded("pubsub.hex", "publishshard").body, Body(Publish{ChannelKind::kShard, "orders", "shard message"}));
}

TEST(CapturedFrames, ManualFailoverForcesTheVote) {
  const Message start = decoded("failover.hex", "mfstart");
  EXPECT_EQ(start.body, Body(ManualFailoverStart{}));
  EXPECT_EQ(start.header.sender, node(3));
  const Message request = decoded("failover.hex", "auth_request_forced");
  EXPECT_EQ(request.body, Body(AuthRequest{}));
  EXPECT_TRUE(request.header.force_ack);
  EXPECT_EQ(request.header.current_epoch.value, 5U);
  EXPECT_FALSE(decoded("failover.hex", "auth_request").header.force_ack);
  const Message ack = decoded("failover.hex", "auth_ack_paused");
  EXPECT_EQ(ack.body, Body(AuthAck{}));
  EXPECT_EQ(ack.header.sender, node(0));
  EXPECT_EQ(ack.header.current_epoch.value, 5U);
  EXPECT_TRUE(ack.header.paused);
}

TEST(CapturedFrames, FailNamesTheDeadNode) {
  const Message message = decoded("failover.hex", "fail");
  EXPECT_EQ(message.header.sender, node(1));
  EXPECT_EQ(message.body, Body(FailNotice{node(3)}));
}

TEST(CapturedFrames, UpdateCarriesTheNewerClaim) {
  const Message message = decoded("failover.hex", "update");
  EXPECT_EQ(message.header.sender, node(1));
  EXPECT_EQ(message.body, Body(Update{ConfigEpoch{6}, node(0), slots(0, 5460)}));
}

TEST(CapturedFrames, ComeOutOfAStreamCutAnywhere) {
  const std::string stream = recorded("heartbeat.hex", "ping_hostname") + recorded("failover.hex", "fail") +
                             recorded("pubsub.hex", "publish") + recorded("failover.hex", "update");
  Rng rng(7);
  for (int round = 0; round < 50; ++round) {
    FrameReader reader;
    std::string again;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = std::min<std::size_t>(1 + rng.below(3000), stream.size() - at);
      reader.append(std::string_view(stream).substr(at, size));
      at += size;
      for (;;) {
        const auto frame = reader.next();
        ASSERT_TRUE(frame.has_value()) << frame.error().detail;
        if (!*frame) break;
        ASSERT_TRUE(decode(**frame).has_value());
        again += **frame;
      }
    }
    EXPECT_EQ(again, stream);
    EXPECT_EQ(reader.buffered(), 0U);
  }
}

TEST(CapturedFrames, WithFlippedBitsAreRefusedOrReadBackTheSame) {
  Rng rng(11);
  int accepted = 0;
  for (const char* file : {"heartbeat.hex", "pubsub.hex", "failover.hex"}) {
    const auto frames = load_frames(BUS_TESTDATA, file);
    ASSERT_TRUE(frames.has_value());
    for (const auto& [name, original] : *frames) {
      for (int round = 0; round < 400; ++round) {
        std::string bytes = original;
        // Slot bits fill most of a frame and cannot be wrong: aim at the rest.
        const std::size_t at = rng.chance(0.5) ? rng.below(80) : 2128 + rng.below(bytes.size() - 2128);
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << rng.below(8)));
        const auto first = decode(bytes);
        if (!first || !std::holds_alternative<Message>(*first)) continue;
        const auto second = decode(encode(std::get<Message>(*first)));
        ASSERT_TRUE(second.has_value()) << name << " byte " << at << ": " << second.error().detail;
        ASSERT_EQ(*first, *second) << name << " byte " << at;
        ++accepted;
      }
    }
  }
  EXPECT_GT(accepted, 500);
}

}  // namespace
}  // namespace ashlar::cluster::bus
