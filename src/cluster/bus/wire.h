/// The layout of a cluster bus frame: structures of bytes that can be copied from and to a frame at any address.
/// Numbers are big-endian. Nothing here checks anything; codec.h does. Thread: any.
/// Source: Redis 7.0/7.2 cluster bus, protocol version 1; docs/formats/bus.md.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/ids.h"
#include "cluster/core/message.h"
#include "cluster/core/types.h"

namespace ashlar::cluster::bus {

/// A big-endian number inside a frame, without alignment.
template <std::unsigned_integral T>
class Net {
 public:
  Net() noexcept = default;
  explicit Net(T value) noexcept { store_be(bytes_.data(), value); }
  [[nodiscard]] T get() const noexcept { return load_be<T>(bytes_.data()); }

 private:
  std::array<std::uint8_t, sizeof(T)> bytes_{};
};

/// First bytes of every frame.
inline constexpr std::string_view kSignature = "RCmb";
/// The one protocol version there is.
inline constexpr std::uint16_t kProtocolVersion = 1;

/// Message types. Frozen: they are on the wire.
enum class FrameType : std::uint16_t {
  kPing = 0,
  kPong = 1,
  kMeet = 2,
  kFail = 3,
  kPublish = 4,
  kAuthRequest = 5,
  kAuthAck = 6,
  kUpdate = 7,
  kManualFailoverStart = 8,
  kModule = 9,
  kPublishShard = 10,
};
/// Number of message types known: valid values of FrameType are 0..kFrameTypeCount-1.
inline constexpr std::uint16_t kFrameTypeCount = 11;
/// The type under which `body` travels.
[[nodiscard]] FrameType frame_type(const Body& body) noexcept;
/// "ping", "auth-req", ...: the word that CLUSTER INFO puts into cluster_stats_messages_<word>_sent.
[[nodiscard]] std::string_view frame_type_name(FrameType type) noexcept;

/// Ping extension types. Frozen: they are on the wire.
enum class ExtensionType : std::uint16_t { kHostname = 0, kHumanNodeName = 1, kForgottenNode = 2, kShardId = 3 };

/// A node flag word (header and gossip) from typed flags.
[[nodiscard]] std::uint16_t to_wire(const NodeFlags& flags) noexcept;
/// Typed flags from a flag word. Unknown bits are dropped; FAIL outranks PFAIL, replica outranks primary.
[[nodiscard]] NodeFlags flags_from_wire(std::uint16_t word) noexcept;

/// Bits of mflags[0].
inline constexpr std::uint8_t kFlagPaused = 1;
inline constexpr std::uint8_t kFlagForceAck = 2;
inline constexpr std::uint8_t kFlagExtensionData = 4;

/// 40 hex digits, or 40 NULs for "none".
using WireName = std::array<char, 40>;
/// Textual address, NUL-terminated, the rest NULs.
using WireIp = std::array<char, kMaxIpBytes + 1>;

/// What precedes every body.
struct WireHeader {
  std::array<char, 4> signature;
  Net<std::uint32_t> total_length;  // of the frame, this header included
  Net<std::uint16_t> version;
  Net<std::uint16_t> port;
  Net<std::uint16_t> type;
  Net<std::uint16_t> count;  // gossip entries; 0 in all but ping, pong and meet
  Net<std::uint64_t> current_epoch;
  Net<std::uint64_t> config_epoch;
  Net<std::uint64_t> offset;
  WireName sender;
  std::array<std::uint8_t, SlotBitmap::kBytes> slots;
  WireName replica_of;
  WireIp ip;
  Net<std::uint16_t> extensions;  // number of extensions behind the gossip entries
  std::array<std::uint8_t, 30> unused;
  Net<std::uint16_t> other_port;
  Net<std::uint16_t> bus_port;
  Net<std::uint16_t> flags;
  std::uint8_t state;  // 0 ok, 1 fail
  std::array<std::uint8_t, 3> message_flags;
};
static_assert(offsetof(WireHeader, total_length) == 4);
static_assert(offsetof(WireHeader, version) == 8);
static_assert(offsetof(WireHeader, port) == 10);
static_assert(offsetof(WireHeader, type) == 12);
static_assert(offsetof(WireHeader, count) == 14);
static_assert(offsetof(WireHeader, current_epoch) == 16);
static_assert(offsetof(WireHeader, config_epoch) == 24);
static_assert(offsetof(WireHeader, offset) == 32);
static_assert(offsetof(WireHeader, sender) == 40);
static_assert(offsetof(WireHeader, slots) == 80);
static_assert(offsetof(WireHeader, replica_of) == 2128);
static_assert(offsetof(WireHeader, ip) == 2168);
static_assert(offsetof(WireHeader, extensions) == 2214);
static_assert(offsetof(WireHeader, unused) == 2216);
static_assert(offsetof(WireHeader, other_port) == 2246);
static_assert(offsetof(WireHeader, bus_port) == 2248);
static_assert(offsetof(WireHeader, flags) == 2250);
static_assert(offsetof(WireHeader, state) == 2252);
static_assert(offsetof(WireHeader, message_flags) == 2253);
static_assert(sizeof(WireHeader) == 2256);

/// One gossip entry; `count` of them follow the header of a ping, pong or meet.
struct WireGossip {
  WireName id;
  Net<std::uint32_t> ping_sent;
  Net<std::uint32_t> pong_received;
  WireIp ip;
  Net<std::uint16_t> port;
  Net<std::uint16_t> bus_port;
  Net<std::uint16_t> flags;
  Net<std::uint16_t> other_port;
  Net<std::uint16_t> unused;
};
static_assert(offsetof(WireGossip, ping_sent) == 40);
static_assert(offsetof(WireGossip, pong_received) == 44);
static_assert(offsetof(WireGossip, ip) == 48);
static_assert(offsetof(WireGossip, port) == 94);
static_assert(offsetof(WireGossip, bus_port) == 96);
static_assert(offsetof(WireGossip, flags) == 98);
static_assert(offsetof(WireGossip, other_port) == 100);
static_assert(offsetof(WireGossip, unused) == 102);
static_assert(sizeof(WireGossip) == 104);

/// Head of one extension; `length` counts it too and is a multiple of 8.
struct WireExtension {
  Net<std::uint32_t> length;
  Net<std::uint16_t> type;
  Net<std::uint16_t> unused;
};
static_assert(offsetof(WireExtension, type) == 4 && sizeof(WireExtension) == 8);
/// Content of extension kForgottenNode.
struct WireForgottenNode {
  WireName id;
  Net<std::uint64_t> ttl;  // seconds
};
static_assert(offsetof(WireForgottenNode, ttl) == 40 && sizeof(WireForgottenNode) == 48);

/// Head of a published message; channel and message bytes follow, without terminators.
struct WirePublish {
  Net<std::uint32_t> channel_length;
  Net<std::uint32_t> message_length;
};
static_assert(offsetof(WirePublish, message_length) == 4 && sizeof(WirePublish) == 8);

/// Body of an update.
struct WireUpdate {
  Net<std::uint64_t> config_epoch;
  WireName id;
  std::array<std::uint8_t, SlotBitmap::kBytes> slots;
};
static_assert(offsetof(WireUpdate, id) == 8 && offsetof(WireUpdate, slots) == 48 && sizeof(WireUpdate) == 2096);

/// Head of a module message; `length` bytes follow.
struct WireModule {
  Net<std::uint64_t> module_id;
  Net<std::uint32_t> length;
  std::uint8_t type;
};
static_assert(offsetof(WireModule, length) == 8 && offsetof(WireModule, type) == 12 && sizeof(WireModule) == 13);

}  // namespace ashlar::cluster::bus
