#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {

namespace {

// Bits of a node flag word. Source: Redis CLUSTER_NODE_*; 16 (myself) is sent although the receiver cannot use it.
constexpr std::uint16_t kBitPrimary = 1;
constexpr std::uint16_t kBitReplica = 2;
constexpr std::uint16_t kBitSuspected = 4;
constexpr std::uint16_t kBitFailed = 8;
constexpr std::uint16_t kBitMyself = 16;
constexpr std::uint16_t kBitHandshake = 32;
constexpr std::uint16_t kBitNoAddress = 64;
constexpr std::uint16_t kBitMeet = 128;
constexpr std::uint16_t kBitMigrateTo = 256;
constexpr std::uint16_t kBitNoFailover = 512;
constexpr std::uint16_t kBitExtensions = 1024;

struct FrameTypeOf {
  FrameType operator()(const Heartbeat& heartbeat) const noexcept {
    switch (heartbeat.kind) {
      case HeartbeatKind::kPing: return FrameType::kPing;
      case HeartbeatKind::kPong: return FrameType::kPong;
      case HeartbeatKind::kMeet: break;
    }
    return FrameType::kMeet;
  }
  FrameType operator()(const FailNotice&) const noexcept { return FrameType::kFail; }
  FrameType operator()(const Publish& publish) const noexcept {
    return publish.kind == ChannelKind::kShard ? FrameType::kPublishShard : FrameType::kPublish;
  }
  FrameType operator()(const AuthRequest&) const noexcept { return FrameType::kAuthRequest; }
  FrameType operator()(const AuthAck&) const noexcept { return FrameType::kAuthAck; }
  FrameType operator()(const Update&) const noexcept { return FrameType::kUpdate; }
  FrameType operator()(const ManualFailoverStart&) const noexcept { return FrameType::kManualFailoverStart; }
  FrameType operator()(const ModuleMessage&) const noexcept { return FrameType::kModule; }
};

}  // namespace

FrameType frame_type(const Body& body) noexcept { return std::visit(FrameTypeOf{}, body); }

std::string_view frame_type_name(FrameType type) noexcept {
  constexpr std::array<std::string_view, kFrameTypeCount> kNames = {
      "ping", "pong", "meet", "fail", "publish", "auth-req", "auth-ack", "update", "mfstart", "module", "publishshard"};
  const auto index = static_cast<std::size_t>(type);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::uint16_t to_wire(const NodeFlags& flags) noexcept {
  unsigned word = 0;
  if (flags.role == RoleFlag::kPrimary) word |= kBitPrimary;
  if (flags.role == RoleFlag::kReplica) word |= kBitReplica;
  if (flags.health == Health::kSuspected) word |= kBitSuspected;
  if (flags.health == Health::kFailed) word |= kBitFailed;
  if (flags.myself) word |= kBitMyself;
  if (flags.handshake) word |= kBitHandshake;
  if (flags.no_address) word |= kBitNoAddress;
  if (flags.meet) word |= kBitMeet;
  if (flags.migrate_to) word |= kBitMigrateTo;
  if (flags.no_failover) word |= kBitNoFailover;
  if (flags.extensions) word |= kBitExtensions;
  return static_cast<std::uint16_t>(word);
}

NodeFlags flags_from_wire(std::uint16_t word) noexcept {
  NodeFlags flags;
  if ((word & kBitReplica) != 0) {
    flags.role = RoleFlag::kReplica;
  } else if ((word & kBitPrimary) != 0) {
    flags.role = RoleFlag::kPrimary;
  }
  if ((word & kBitFailed) != 0) {
    flags.health = Health::kFailed;
  } else if ((word & kBitSuspected) != 0) {
    flags.health = Health::kSuspected;
  }
  flags.myself = (word & kBitMyself) != 0;
  flags.handshake = (word & kBitHandshake) != 0;
  flags.no_address = (word & kBitNoAddress) != 0;
  flags.meet = (word & kBitMeet) != 0;
  flags.migrate_to = (word & kBitMigrateTo) != 0;
  flags.no_failover = (word & kBitNoFailover) != 0;
  flags.extensions = (word & kBitExtensions) != 0;
  return flags;
}

}  // namespace ashlar::cluster::bus
