#include <cstring>
#include <limits>
#include <type_traits>

#include "base/check.h"
#include "cluster/bus/codec.h"
#include "cluster/bus/wire.h"

namespace ashlar::cluster::bus {

namespace {

template <typename T>
void append(std::string& out, const T& wire) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) == 1);
  out.append(reinterpret_cast<const char*>(&wire), sizeof wire);
}

WireName to_name(const NodeId& id) {
  const std::string hex = id.hex();
  WireName name;
  ASH_CHECK(hex.size() == name.size());
  std::memcpy(name.data(), hex.data(), name.size());
  return name;
}

WireIp to_ip(std::string_view text) {
  ASH_CHECK(text.size() <= kMaxIpBytes);
  WireIp ip{};
  std::memcpy(ip.data(), text.data(), text.size());
  return ip;
}

bool has_extensions(const Body& body) {
  const auto* heartbeat = std::get_if<Heartbeat>(&body);
  return heartbeat != nullptr && !heartbeat->extensions.empty();
}

WireHeader to_wire(const MessageHeader& header, const Body& body) {
  WireHeader wire{};
  std::memcpy(wire.signature.data(), kSignature.data(), kSignature.size());
  wire.version = Net(kProtocolVersion);
  wire.port = Net(header.port);
  wire.type = Net(static_cast<std::uint16_t>(frame_type(body)));
  wire.current_epoch = Net(header.current_epoch.value);
  wire.config_epoch = Net(header.config_epoch.value);
  wire.offset = Net(static_cast<std::uint64_t>(header.offset.value));
  wire.sender = to_name(header.sender);
  wire.slots = header.slots.bytes();
  if (const auto* replica = std::get_if<ReplicaOf>(&header.role); replica != nullptr && !replica->primary.is_zero()) {
    wire.replica_of = to_name(replica->primary);
  }
  wire.ip = to_ip(header.announced_ip);
  wire.other_port = Net(header.other_port);
  wire.bus_port = Net(header.bus_port);
  wire.flags = Net(bus::to_wire(header.flags));
  wire.state = header.state == ClusterState::kOk ? 0 : 1;
  unsigned flags = 0;
  if (header.paused) flags |= kFlagPaused;
  if (header.force_ack) flags |= kFlagForceAck;
  if (header.extensions || has_extensions(body)) flags |= kFlagExtensionData;
  wire.message_flags[0] = static_cast<std::uint8_t>(flags);
  if (const auto* heartbeat = std::get_if<Heartbeat>(&body)) {
    constexpr std::size_t kMaxCount = std::numeric_limits<std::uint16_t>::max();
    ASH_CHECK(heartbeat->gossip.size() <= kMaxCount && heartbeat->extensions.size() <= kMaxCount);
    wire.count = Net(static_cast<std::uint16_t>(heartbeat->gossip.size()));
    wire.extensions = Net(static_cast<std::uint16_t>(heartbeat->extensions.size()));
  }
  return wire;
}

WireGossip to_wire(const GossipEntry& entry) {
  WireGossip wire{};
  wire.id = to_name(entry.id);
  wire.ping_sent = Net(entry.ping_sent);
  wire.pong_received = Net(entry.pong_received);
  wire.ip = to_ip(entry.ip);
  wire.port = Net(entry.port);
  wire.bus_port = Net(entry.bus_port);
  wire.flags = Net(bus::to_wire(entry.flags));
  wire.other_port = Net(entry.other_port);
  return wire;
}

/// Appends one extension per call: head, content, NULs up to a multiple of 8.
struct ExtensionWriter {
  std::string& out;

  void operator()(const HostnameExtension& extension) const { name(ExtensionType::kHostname, extension.hostname); }
  void operator()(const HumanNodeNameExtension& extension) const {
    name(ExtensionType::kHumanNodeName, extension.name);
  }
  void operator()(const ForgottenNodeExtension& extension) const {
    ASH_CHECK(extension.ttl.count() >= 0);
    WireForgottenNode wire{};
    wire.id = to_name(extension.id);
    wire.ttl = Net(static_cast<std::uint64_t>(extension.ttl.count()));
    head(ExtensionType::kForgottenNode, sizeof wire);
    append(out, wire);
  }
  void operator()(const ShardIdExtension& extension) const {
    const WireName shard = to_name(extension.shard);
    head(ExtensionType::kShardId, sizeof shard);
    append(out, shard);
  }

  void head(ExtensionType type, std::size_t content) const {
    WireExtension wire{};
    wire.length = Net(static_cast<std::uint32_t>(sizeof wire + content));
    wire.type = Net(static_cast<std::uint16_t>(type));
    append(out, wire);
  }
  void name(ExtensionType type, std::string_view text) const {
    ASH_CHECK(text.size() <= kMaxHostBytes);
    const std::size_t content = (text.size() / 8 + 1) * 8;  // at least one NUL behind the text
    head(type, content);
    out.append(text);
    out.append(content - text.size(), '\0');
  }
};

struct BodyWriter {
  std::string& out;

  void operator()(const Heartbeat& heartbeat) const {
    for (const GossipEntry& entry : heartbeat.gossip) append(out, to_wire(entry));
    for (const Extension& extension : heartbeat.extensions) std::visit(ExtensionWriter{out}, extension);
  }
  void operator()(const FailNotice& notice) const { append(out, to_name(notice.id)); }
  void operator()(const Publish& publish) const {
    constexpr std::size_t kMaxLength = std::numeric_limits<std::uint32_t>::max();
    ASH_CHECK(publish.channel.size() <= kMaxLength && publish.message.size() <= kMaxLength);
    WirePublish wire{};
    wire.channel_length = Net(static_cast<std::uint32_t>(publish.channel.size()));
    wire.message_length = Net(static_cast<std::uint32_t>(publish.message.size()));
    append(out, wire);
    out.append(publish.channel);
    out.append(publish.message);
  }
  void operator()(const AuthRequest&) const {}
  void operator()(const AuthAck&) const {}
  void operator()(const Update& update) const {
    WireUpdate wire{};
    wire.config_epoch = Net(update.config_epoch.value);
    wire.id = to_name(update.id);
    wire.slots = update.slots.bytes();
    append(out, wire);
  }
  void operator()(const ManualFailoverStart&) const {}
  void operator()(const ModuleMessage&) const { append(out, WireModule{}); }
};

std::size_t size_hint(const Body& body) {
  if (const auto* heartbeat = std::get_if<Heartbeat>(&body)) {
    constexpr std::size_t kUsualExtension = 64;
    return sizeof(WireHeader) + heartbeat->gossip.size() * sizeof(WireGossip) +
           heartbeat->extensions.size() * kUsualExtension;
  }
  if (const auto* publish = std::get_if<Publish>(&body)) {
    return sizeof(WireHeader) + sizeof(WirePublish) + publish->channel.size() + publish->message.size();
  }
  return sizeof(WireHeader) + (std::holds_alternative<Update>(body) ? sizeof(WireUpdate) : sizeof(WireName));
}

}  // namespace

std::string encode(const Message& message) {
  std::string out;
  out.reserve(size_hint(message.body));
  append(out, to_wire(message.header, message.body));
  std::visit(BodyWriter{out}, message.body);
  ASH_CHECK(out.size() <= std::numeric_limits<std::uint32_t>::max());
  store_be(out.data() + offsetof(WireHeader, total_length), static_cast<std::uint32_t>(out.size()));
  return out;
}

}  // namespace ashlar::cluster::bus
