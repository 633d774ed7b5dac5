#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

#include "cluster/bus/codec.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {

namespace {

std::unexpected<Error> corrupt(std::string_view what, std::size_t offset) {
  return fail(ErrorCode::kCorrupt, fmt::format("cluster bus frame: {} at offset {}", what, offset));
}

/// A place in the frame that only moves forward and never past the end.
class Cursor {
 public:
  explicit Cursor(std::string_view frame) noexcept : frame_(frame) {}
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] std::size_t left() const noexcept { return frame_.size() - at_; }

  /// The next sizeof(T) bytes as a wire structure.
  template <typename T>
  [[nodiscard]] Result<T> take(std::string_view what) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
    ASH_TRY(const std::string_view bytes, take_bytes(sizeof(T), what));
    T wire;
    std::memcpy(&wire, bytes.data(), sizeof wire);
    return wire;
  }
  [[nodiscard]] Result<std::string_view> take_bytes(std::uint64_t size, std::string_view what) {
    if (size > left()) {
      return corrupt(fmt::format("{} of {} bytes, but only {} are left,", what, size, left()), at_);
    }
    const std::string_view bytes = frame_.substr(at_, size);
    at_ += size;
    return bytes;
  }

 private:
  std::string_view frame_;
  std::size_t at_ = 0;
};

std::string_view view(const WireName& name) { return {name.data(), name.size()}; }

Result<NodeId> to_id(const WireName& name, std::string_view what, std::size_t offset) {
  const std::optional<NodeId> id = NodeId::from_hex(view(name));
  if (!id) return corrupt(fmt::format("{} is not 40 hex digits", what), offset);
  return *id;
}

/// Names and addresses end up in nodes.conf and in CLUSTER NODES, where some characters would change the meaning of the
/// line. None comes in that the file could not hold.
bool comes_in_names(char c) {
  return is_name_character(c) && std::string_view("\"'\\").find(c) == std::string_view::npos;
}
bool comes_in_addresses(char c) { return comes_in_names(c) || c == ':' || c == '%'; }

Result<std::string> to_ip(const WireIp& ip, std::string_view what, std::size_t offset) {
  const auto end = std::find(ip.begin(), ip.end(), '\0');
  if (end == ip.end()) return corrupt(fmt::format("{} has no end", what), offset);
  if (!std::all_of(ip.begin(), end, comes_in_addresses)) {
    return corrupt(fmt::format("{} has a character that no address has", what), offset);
  }
  return std::string(ip.begin(), end);
}

Result<MessageHeader> to_header(const WireHeader& wire) {
  MessageHeader header;
  ASH_TRY(header.sender, to_id(wire.sender, "sender", offsetof(WireHeader, sender)));
  header.current_epoch = ConfigEpoch{wire.current_epoch.get()};
  header.config_epoch = ConfigEpoch{wire.config_epoch.get()};
  header.offset = ReplOffset{static_cast<std::int64_t>(wire.offset.get())};
  header.slots = SlotBitmap::from_bytes(wire.slots);
  if (wire.replica_of != WireName{}) {
    ASH_TRY(const NodeId primary, to_id(wire.replica_of, "primary of the sender", offsetof(WireHeader, replica_of)));
    if (!primary.is_zero()) header.role = ReplicaOf{primary};
  }
  ASH_TRY(header.announced_ip, to_ip(wire.ip, "address of the sender", offsetof(WireHeader, ip)));
  header.port = wire.port.get();
  header.other_port = wire.other_port.get();
  header.bus_port = wire.bus_port.get();
  header.flags = flags_from_wire(wire.flags.get());
  header.state = wire.state == 0 ? ClusterState::kOk : ClusterState::kFail;
  header.paused = (wire.message_flags[0] & kFlagPaused) != 0;
  header.force_ack = (wire.message_flags[0] & kFlagForceAck) != 0;
  header.extensions = (wire.message_flags[0] & kFlagExtensionData) != 0;
  return header;
}

Result<GossipEntry> to_gossip(const WireGossip& wire, std::size_t offset) {
  GossipEntry entry;
  ASH_TRY(entry.id, to_id(wire.id, "node of a gossip entry", offset));
  ASH_TRY(entry.ip, to_ip(wire.ip, "address in a gossip entry", offset + offsetof(WireGossip, ip)));
  entry.ping_sent = wire.ping_sent.get();
  entry.pong_received = wire.pong_received.get();
  entry.port = wire.port.get();
  entry.other_port = wire.other_port.get();
  entry.bus_port = wire.bus_port.get();
  entry.flags = flags_from_wire(wire.flags.get());
  return entry;
}

/// The NUL-terminated name in an extension; nullopt when it is one that cannot be used.
Result<std::optional<std::string>> to_name(std::string_view content, std::size_t offset) {
  const std::size_t end = content.find('\0');
  if (end == std::string_view::npos) return corrupt("name in an extension has no end", offset);
  const std::string_view name = content.substr(0, end);
  if (name.size() > kMaxHostBytes || !std::ranges::all_of(name, comes_in_names)) return std::nullopt;
  return std::string(name);
}

/// One extension, its head already read; nullopt when it is to be left out. `content` starts at `offset`.
Result<std::optional<Extension>> to_extension(std::uint16_t type, std::string_view content, std::size_t offset) {
  Cursor cursor(content);
  switch (static_cast<ExtensionType>(type)) {
    case ExtensionType::kHostname: {
      ASH_TRY(auto name, to_name(content, offset));
      if (!name) return std::nullopt;
      return HostnameExtension{std::move(*name)};
    }
    case ExtensionType::kHumanNodeName: {
      ASH_TRY(auto name, to_name(content, offset));
      if (!name) return std::nullopt;
      return HumanNodeNameExtension{std::move(*name)};
    }
    case ExtensionType::kForgottenNode: {
      if (content.size() < sizeof(WireForgottenNode)) return corrupt("forgotten-node extension is too short", offset);
      ASH_TRY(const auto wire, cursor.take<WireForgottenNode>("forgotten node"));
      ASH_TRY(const NodeId id, to_id(wire.id, "forgotten node", offset));
      // A ttl that no signed number of seconds holds is as good as for ever.
      constexpr auto kForever = static_cast<std::uint64_t>(Seconds::max().count());
      const std::uint64_t ttl = std::min(wire.ttl.get(), kForever);
      return ForgottenNodeExtension{id, Seconds(static_cast<std::int64_t>(ttl))};
    }
    case ExtensionType::kShardId: {
      if (content.size() < sizeof(WireName)) return corrupt("shard-id extension is too short", offset);
      ASH_TRY(const auto name, cursor.take<WireName>("shard id"));
      ASH_TRY(const NodeId shard, to_id(name, "shard id", offset));
      return ShardIdExtension{shard};
    }
  }
  return std::nullopt;
}

Result<std::vector<Extension>> take_extensions(Cursor& cursor, std::uint16_t count) {
  std::vector<Extension> extensions;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::size_t start = cursor.at();
    ASH_TRY(const auto head, cursor.take<WireExtension>("extension head"));
    const std::uint32_t length = head.length.get();
    if (length < sizeof head || length % 8 != 0) {
      return corrupt(fmt::format("extension length {} is no multiple of 8 from 8 on", length), start);
    }
    const std::size_t content_at = cursor.at();
    ASH_TRY(const std::string_view content, cursor.take_bytes(length - sizeof head, "extension"));
    ASH_TRY(auto extension, to_extension(head.type.get(), content, content_at));
    if (extension) extensions.push_back(std::move(*extension));
  }
  return extensions;
}

Result<Body> take_heartbeat(Cursor& cursor, const WireHeader& header, HeartbeatKind kind) {
  Heartbeat heartbeat{.kind = kind};
  const std::size_t count = header.count.get();
  if (count > cursor.left() / sizeof(WireGossip)) {
    return corrupt(fmt::format("{} gossip entries announced, but only {} bytes are left,", count, cursor.left()),
                   offsetof(WireHeader, count));
  }
  heartbeat.gossip.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t offset = cursor.at();
    ASH_TRY(const auto wire, cursor.take<WireGossip>("gossip entry"));
    ASH_TRY(auto entry, to_gossip(wire, offset));
    heartbeat.gossip.push_back(std::move(entry));
  }
  // Without the flag the count of extensions means nothing.
  if ((header.message_flags[0] & kFlagExtensionData) != 0) {
    ASH_TRY(heartbeat.extensions, take_extensions(cursor, header.extensions.get()));
  }
  return heartbeat;
}

Result<Body> take_publish(Cursor& cursor, ChannelKind kind) {
  ASH_TRY(const auto wire, cursor.take<WirePublish>("head of a published message"));
  ASH_TRY(const std::string_view channel, cursor.take_bytes(wire.channel_length.get(), "channel"));
  ASH_TRY(const std::string_view message, cursor.take_bytes(wire.message_length.get(), "published message"));
  return Publish{kind, std::string(channel), std::string(message)};
}

Result<Body> take_fail(Cursor& cursor) {
  const std::size_t offset = cursor.at();
  ASH_TRY(const auto name, cursor.take<WireName>("failed node"));
  ASH_TRY(const NodeId id, to_id(name, "failed node", offset));
  return FailNotice{id};
}

Result<Body> take_update(Cursor& cursor) {
  const std::size_t offset = cursor.at();
  ASH_TRY(const auto wire, cursor.take<WireUpdate>("update"));
  ASH_TRY(const NodeId id, to_id(wire.id, "owner in an update", offset + offsetof(WireUpdate, id)));
  return Update{ConfigEpoch{wire.config_epoch.get()}, id, SlotBitmap::from_bytes(wire.slots)};
}

Result<Body> take_module(Cursor& cursor) {
  ASH_TRY(const auto wire, cursor.take<WireModule>("head of a module message"));
  ASH_TRY([[maybe_unused]] const auto bytes, cursor.take_bytes(wire.length.get(), "module message"));
  return ModuleMessage{};
}

/// The body of a frame whose type is known to be one of ours.
Result<Body> take_body(Cursor& cursor, const WireHeader& header) {
  switch (static_cast<FrameType>(header.type.get())) {
    case FrameType::kPing: return take_heartbeat(cursor, header, HeartbeatKind::kPing);
    case FrameType::kPong: return take_heartbeat(cursor, header, HeartbeatKind::kPong);
    case FrameType::kMeet: return take_heartbeat(cursor, header, HeartbeatKind::kMeet);
    case FrameType::kFail: return take_fail(cursor);
    case FrameType::kPublish: return take_publish(cursor, ChannelKind::kGlobal);
    case FrameType::kAuthRequest: return AuthRequest{};
    case FrameType::kAuthAck: return AuthAck{};
    case FrameType::kUpdate: return take_update(cursor);
    case FrameType::kManualFailoverStart: return ManualFailoverStart{};
    case FrameType::kModule: return take_module(cursor);
    case FrameType::kPublishShard: return take_publish(cursor, ChannelKind::kShard);
  }
  return corrupt("unknown type", offsetof(WireHeader, type));
}

}  // namespace

Result<Decoded> decode(std::string_view frame) {
  Cursor cursor(frame);
  ASH_TRY(const auto wire, cursor.take<WireHeader>("header"));
  if (std::string_view(wire.signature.data(), wire.signature.size()) != kSignature)
    return corrupt("signature is not RCmb", 0);
  if (wire.total_length.get() != frame.size()) {
    return corrupt(fmt::format("length says {}, the frame has {} bytes,", wire.total_length.get(), frame.size()),
                   offsetof(WireHeader, total_length));
  }
  if (wire.version.get() != kProtocolVersion || wire.type.get() >= kFrameTypeCount) {
    return Ignored{wire.version.get(), wire.type.get()};
  }
  Message message;
  ASH_TRY(message.header, to_header(wire));
  ASH_TRY(message.body, take_body(cursor, wire));
  if (cursor.left() != 0) {
    return corrupt(fmt::format("{} bytes behind the end of a {} message", cursor.left(),
                               frame_type_name(static_cast<FrameType>(wire.type.get()))),
                   cursor.at());
  }
  return message;
}

}  // namespace ashlar::cluster::bus
