#include "cluster/bus/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {
namespace {

using testing::HasSubstr;

constexpr std::size_t kBody = 2256;  // where bodies start; docs/formats/bus.md

NodeId id_of(char digit) { return *NodeId::from_hex(std::string(40, digit)); }

Message with(Body body) {
  Message message;
  message.header.sender = id_of('a');
  message.body = std::move(body);
  return message;
}

std::string error_of(const std::string& frame) {
  const auto result = decode(frame);
  return result ? "no error" : result.error().detail;
}

/// decode(encode(m)), or an empty message when that fails.
Message round_trip(const Message& message) {
  auto result = decode(encode(message));
  EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().detail);
  if (!result || !std::holds_alternative<Message>(*result)) return {};
  return std::get<Message>(std::move(*result));
}

std::string resized(std::string frame, std::size_t size) {
  frame.resize(size);
  store_be(frame.data() + 4, static_cast<std::uint32_t>(size));
  return frame;
}

TEST(BusEncode, PutsEachHeaderFieldAtItsOffset) {
  Message message = with(AuthRequest{});
  MessageHeader& header = message.header;
  header.current_epoch = ConfigEpoch{0x0102030405060708};
  header.config_epoch = ConfigEpoch{0x1112131415161718};
  header.offset = ReplOffset{0x2122232425262728};
  header.slots.set(SlotId::wrap(0));
  header.slots.set(SlotId::wrap(16383));
  header.role = ReplicaOf{id_of('b')};
  header.announced_ip = "10.0.0.1";
  header.port = 0x3132;
  header.other_port = 0x4142;
  header.bus_port = 0x5152;
  header.flags = {.role = RoleFlag::kReplica, .myself = true, .no_failover = true, .extensions = true};
  header.state = ClusterState::kFail;
  header.force_ack = true;
  header.extensions = false;
  const std::string frame = encode(message);
  ASSERT_EQ(frame.size(), kBody);
  EXPECT_EQ(frame.substr(0, 16), std::string("RCmb\x00\x00\x08\xd0\x00\x01\x31\x32\x00\x05\x00\x00", 16));
  EXPECT_EQ(frame.substr(16, 8), "\x01\x02\x03\x04\x05\x06\x07\x08");
  EXPECT_EQ(frame.substr(24, 8), "\x11\x12\x13\x14\x15\x16\x17\x18");
  EXPECT_EQ(frame.substr(32, 8), "\x21\x22\x23\x24\x25\x26\x27\x28");
  EXPECT_EQ(frame.substr(40, 40), std::string(40, 'a'));
  EXPECT_EQ(frame[80], '\x01');
  EXPECT_EQ(frame[2127], '\x80');
  EXPECT_EQ(frame.substr(2128, 40), std::string(40, 'b'));
  EXPECT_EQ(frame.substr(2168, 9), std::string("10.0.0.1\0", 9));
  EXPECT_EQ(frame.substr(2246, 10), std::string("\x41\x42\x51\x52\x06\x12\x01\x02\x00\x00", 10));
}

TEST(BusEncode, LaysOutExtensionsInMultiplesOfEight) {
  Heartbeat pong{.kind = HeartbeatKind::kPong};
  pong.extensions = {HostnameExtension{"seven.x"}, HumanNodeNameExtension{"eight.xx"},
                     ForgottenNodeExtension{id_of('c'), Seconds(60)}, ShardIdExtension{id_of('d')}};
  Message message = with(pong);
  message.header.extensions = false;
  const std::string frame = encode(message);
  const std::string body = frame.substr(kBody);
  // Seven characters and a NUL fill one block of 8; eight characters need a second block for the NUL.
  EXPECT_EQ(body.substr(0, 16), std::string("\x00\x00\x00\x10\x00\x00\x00\x00seven.x\x00", 16));
  EXPECT_EQ(body.substr(16, 24), std::string("\x00\x00\x00\x18\x00\x01\x00\x00"
                                             "eight.xx\0\0\0\0\0\0\0\0",
                                             24));
  EXPECT_EQ(body.substr(40, 8), std::string("\x00\x00\x00\x38\x00\x02\x00\x00", 8));
  EXPECT_EQ(body.substr(48, 48), std::string(40, 'c') + std::string("\0\0\0\0\0\0\0\x3c", 8));
  EXPECT_EQ(body.substr(96), std::string("\x00\x00\x00\x30\x00\x03\x00\x00", 8) + std::string(40, 'd'));
  EXPECT_EQ(frame.substr(2214, 2), std::string("\x00\x04", 2));
  EXPECT_EQ(frame[2253], '\x04') << "the extension flag follows from the extensions";
}

TEST(BusCodec, ReadsBackEveryMessageThatItWrites) {
  GossipEntry entry{.id = id_of('e'),
                    .ping_sent = 1,
                    .pong_received = 0xffffffff,
                    .ip = "2001:db8:1111:2222:3333:4444:255.255.255.255",
                    .port = 1,
                    .other_port = 2,
                    .bus_port = 65535};
  entry.flags = {.role = RoleFlag::kPrimary,
                 .health = Health::kFailed,
                 .handshake = true,
                 .no_address = true,
                 .meet = true,
                 .migrate_to = true};
  Heartbeat meet{.kind = HeartbeatKind::kMeet, .gossip = {entry, GossipEntry{.id = id_of('f')}}};
  meet.extensions = {HostnameExtension{""}, ShardIdExtension{id_of('1')}};
  SlotBitmap some;
  some.set(SlotId::wrap(77));
  const std::vector<Body> bodies = {meet,
                                    Heartbeat{},
                                    FailNotice{id_of('2')},
                                    Publish{ChannelKind::kGlobal, std::string("\0\r\n", 3), std::string(100'000, 'x')},
                                    Publish{ChannelKind::kShard, "", "m"},
                                    AuthRequest{},
                                    AuthAck{},
                                    Update{ConfigEpoch{~std::uint64_t{0}}, id_of('3'), some},
                                    ManualFailoverStart{},
                                    ModuleMessage{}};
  for (const Body& body : bodies) {
    Message message = with(body);
    message.header.paused = true;
    message.header.extensions = true;
    message.header.offset = ReplOffset{-1};
    message.header.state = ClusterState::kOk;
    EXPECT_EQ(round_trip(message), message) << frame_type_name(frame_type(body));
  }
}

TEST(BusCodec, SaysThatItUnderstandsExtensionsWithoutSendingAny) {
  Message message = with(Heartbeat{});
  message.header.extensions = true;
  const std::string frame = encode(message);
  EXPECT_EQ(frame[2253], '\x04');
  EXPECT_EQ(frame.size(), kBody);
  EXPECT_TRUE(round_trip(message).header.extensions);
}

TEST(BusDecode, PassesUnknownTypesAndVersionsOnAsIgnored) {
  std::string frame = encode(with(AuthRequest{}));
  frame[13] = 11;
  EXPECT_EQ(decode(frame), Decoded(Ignored{1, 11}));
  frame = encode(with(AuthRequest{}));
  frame[9] = 2;
  EXPECT_EQ(decode(frame), Decoded(Ignored{2, 5}));
}

TEST(BusDecode, SkipsExtensionsOfUnknownType) {
  Heartbeat ping;
  ping.extensions = {HostnameExtension{"a"}, HumanNodeNameExtension{"b"}, ShardIdExtension{id_of('4')}};
  std::string frame = encode(with(ping));
  frame[kBody + 16 + 5] = 9;
  const auto result = decode(frame);
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(std::get<Heartbeat>(std::get<Message>(*result).body).extensions,
              testing::ElementsAre(Extension(HostnameExtension{"a"}), Extension(ShardIdExtension{id_of('4')})));
}

TEST(BusDecode, LeavesOutNamesThatWouldBreakTheConfigurationFile) {
  for (const std::string name : {"a b", "a\nb", "a\"b", "a,b", "a:b%c", "n(1)"}) {
    Heartbeat ping;
    ping.extensions = {HostnameExtension{name}, HumanNodeNameExtension{name}};
    const Message read = round_trip(with(ping));
    EXPECT_TRUE(std::get<Heartbeat>(read.body).extensions.empty()) << name;
  }
}

TEST(BusDecode, LeavesOutNamesLongerThanAHostNameMayBe) {
  const Message longest = with(Heartbeat{.extensions = {HostnameExtension{std::string(255, 'h')}}});
  EXPECT_EQ(round_trip(longest), longest);
  std::string frame = encode(longest);  // 255 characters and a NUL: put the NUL eight bytes later
  frame.back() = 'h';
  frame = resized(frame, frame.size() + 8);
  store_be(frame.data() + kBody, std::uint32_t{8 + 256 + 8});
  const auto result = decode(frame);
  ASSERT_TRUE(result.has_value()) << result.error().detail;
  EXPECT_EQ(std::get<Message>(*result).body, Body(Heartbeat{}));
}

TEST(BusDecode, RefusesAnAddressWithALineEnd) {
  Message message = with(AuthRequest{});
  message.header.announced_ip = "10.0.0.1\n";
  EXPECT_THAT(error_of(encode(message)), HasSubstr("no address has at offset 2168"));
}

TEST(BusDecode, RefusesAnAddressWithoutEnd) {
  std::string frame = encode(with(Heartbeat{.gossip = {GossipEntry{.id = id_of('5')}}}));
  std::fill_n(frame.begin() + kBody + 48, 46, '1');
  EXPECT_THAT(error_of(frame), HasSubstr("has no end at offset 2304"));
}

TEST(BusDecode, RefusesNamesThatAreNoIds) {
  std::string frame = encode(with(FailNotice{id_of('6')}));
  std::string bad = frame;
  bad[40] = 'g';
  EXPECT_THAT(error_of(bad), HasSubstr("sender is not 40 hex digits at offset 40"));
  bad = frame;
  bad[kBody + 39] = '\0';
  EXPECT_THAT(error_of(bad), HasSubstr("failed node is not 40 hex digits at offset 2256"));
}

TEST(BusDecode, RefusesFramesShorterThanAHeader) {
  const std::string frame = encode(with(AuthRequest{}));
  EXPECT_THAT(error_of(frame.substr(0, kBody - 1)), HasSubstr("header of 2256 bytes, but only 2255 are left"));
  EXPECT_THAT(error_of(""), HasSubstr("only 0 are left"));
}

TEST(BusDecode, RefusesALengthThatIsNotTheFrames) {
  std::string frame = encode(with(AuthRequest{}));
  frame += '\0';
  EXPECT_THAT(error_of(frame), HasSubstr("length says 2256, the frame has 2257 bytes, at offset 4"));
}

TEST(BusDecode, RefusesMoreGossipThanThereIsRoomFor) {
  std::string frame = encode(with(Heartbeat{.gossip = {GossipEntry{.id = id_of('7')}}}));
  store_be(frame.data() + 14, std::uint16_t{65535});
  EXPECT_THAT(error_of(frame), HasSubstr("65535 gossip entries announced, but only 104 bytes are left, at offset 14"));
  store_be(frame.data() + 14, std::uint16_t{0});
  EXPECT_THAT(error_of(frame), HasSubstr("104 bytes behind the end of a ping message at offset 2256"));
}

TEST(BusDecode, RefusesPublishLengthsThatDoNotAddUp) {
  const std::string frame = encode(with(Publish{ChannelKind::kGlobal, "ch", "message"}));
  std::string bad = frame;
  store_be(bad.data() + kBody, std::uint32_t{0xffffffff});
  EXPECT_THAT(error_of(bad), HasSubstr("channel of 4294967295 bytes, but only 9 are left"));
  bad = frame;
  // Both lengths together wrap around to the true sum in 32 bits.
  store_be(bad.data() + kBody, std::uint32_t{1});
  store_be(bad.data() + kBody + 4, std::uint32_t{0xffffffff});
  EXPECT_THAT(error_of(bad), HasSubstr("published message of 4294967295 bytes"));
  EXPECT_THAT(error_of(resized(frame, frame.size() + 1)), HasSubstr("1 bytes behind the end of a publish message"));
}

TEST(BusDecode, RefusesExtensionsThatLeaveTheFrame) {
  const std::string frame = encode(with(Heartbeat{.extensions = {HostnameExtension{"abc"}}}));
  std::string bad = frame;
  store_be(bad.data() + kBody, std::uint32_t{24});
  EXPECT_THAT(error_of(bad), HasSubstr("extension of 16 bytes, but only 8 are left"));
  for (const std::uint32_t length : {0U, 4U, 12U, 15U}) {
    store_be(bad.data() + kBody, length);
    EXPECT_THAT(error_of(bad), HasSubstr("no multiple of 8")) << length;
  }
  bad = frame;
  store_be(bad.data() + 2214, std::uint16_t{2});
  EXPECT_THAT(error_of(bad), HasSubstr("extension head of 8 bytes, but only 0 are left, at offset 2272"));
  bad = frame;
  std::fill_n(bad.begin() + kBody + 8, 8, 'x');
  EXPECT_THAT(error_of(bad), HasSubstr("name in an extension has no end at offset 2264"));
}

TEST(BusDecode, RefusesShortContentOfFixedExtensions) {
  std::string frame = encode(with(Heartbeat{.extensions = {HostnameExtension{"abc"}}}));
  frame[kBody + 5] = 2;
  EXPECT_THAT(error_of(frame), HasSubstr("forgotten-node extension is too short at offset 2264"));
  frame[kBody + 5] = 3;
  EXPECT_THAT(error_of(frame), HasSubstr("shard-id extension is too short at offset 2264"));
}

TEST(BusDecode, IgnoresTheExtensionCountWithoutItsFlag) {
  Message message = with(Heartbeat{});
  message.header.extensions = false;
  std::string frame = encode(message);
  store_be(frame.data() + 2214, std::uint16_t{9});
  EXPECT_TRUE(decode(frame).has_value());
}

TEST(BusDecode, TakesAReplicaWithoutPrimaryForAPrimaryButKeepsTheFlag) {
  Message message = with(Heartbeat{});
  message.header.role = ReplicaOf{};
  message.header.flags.role = RoleFlag::kReplica;
  const Message read = round_trip(message);
  EXPECT_TRUE(is_primary(read.header.role));
  EXPECT_EQ(read.header.flags.role, RoleFlag::kReplica);
}

TEST(BusFlags, DropUnknownBits) {
  EXPECT_EQ(to_wire(flags_from_wire(0xffff)), 0x07fa) << "replica outranks primary, failed outranks suspected";
}

TEST(BusFlags, TravelEachInItsBit) {
  for (const unsigned bit : {1U, 2U, 4U, 8U, 16U, 32U, 64U, 128U, 256U, 512U, 1024U}) {
    EXPECT_EQ(to_wire(flags_from_wire(static_cast<std::uint16_t>(bit))), bit);
  }
  EXPECT_EQ(flags_from_wire(4).health, Health::kSuspected);
  EXPECT_TRUE(flags_from_wire(512).no_failover);
}

}  // namespace
}  // namespace ashlar::cluster::bus
