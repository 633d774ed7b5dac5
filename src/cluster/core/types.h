/// Vocabulary of the cluster core: slot sets, roles, addresses, health. Values only; no behaviour of the protocol.
/// Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"

namespace ashlar::cluster {

/// One connection of the bus, inbound or outbound. Chosen by the core for outbound links (`Connect`), by the driver for
/// accepted ones; unique for the life of the process. The driver's ids have the top bit set, the core's have not.
using LinkId = Counter<struct LinkIdTag>;
/// First id a driver may give to an accepted connection.
inline constexpr std::uint64_t kFirstAcceptedLink = std::uint64_t{1} << 63;

/// Slots first..last, both included.
struct SlotRange {
  SlotId first;
  SlotId last;
  bool operator==(const SlotRange&) const = default;
};

/// A set of hash slots, laid out as on the wire: slot n is bit n%8 (least significant first) of byte n/8.
class SlotBitmap {
 public:
  static constexpr std::size_t kBytes = kSlotCount / 8;

  SlotBitmap() noexcept = default;
  /// From 2048 bytes of the wire; every bit pattern is valid.
  [[nodiscard]] static SlotBitmap from_bytes(const std::array<std::uint8_t, kBytes>& bytes) noexcept;
  [[nodiscard]] const std::array<std::uint8_t, kBytes>& bytes() const noexcept { return bytes_; }

  [[nodiscard]] bool test(SlotId slot) const noexcept {
    return (bytes_[slot.value() / 8] >> (slot.value() % 8) & 1) != 0;
  }
  void set(SlotId slot) noexcept { bytes_[slot.value() / 8] |= static_cast<std::uint8_t>(1U << (slot.value() % 8)); }
  void reset(SlotId slot) noexcept {
    bytes_[slot.value() / 8] &= static_cast<std::uint8_t>(~(1U << (slot.value() % 8)));
  }
  /// Number of slots in the set, 0..16384.
  [[nodiscard]] std::uint16_t count() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return count() == 0; }
  /// The set as ascending, maximal ranges.
  [[nodiscard]] std::vector<SlotRange> ranges() const;
  bool operator==(const SlotBitmap&) const noexcept = default;

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

/// Serves slots and votes, or may do so.
struct Primary {
  bool operator==(const Primary&) const = default;
};
/// Copies a primary. A replica that does not know its primary yet is ReplicaOf{zero id}.
struct ReplicaOf {
  NodeId primary;
  bool operator==(const ReplicaOf&) const = default;
};
using Role = std::variant<Primary, ReplicaOf>;
[[nodiscard]] inline bool is_primary(const Role& role) noexcept { return std::holds_alternative<Primary>(role); }

/// What is believed of a node. kSuspected is PFAIL (one observer), kFailed is FAIL (a majority).
enum class Health : std::uint8_t { kOnline, kSuspected, kFailed };

/// Whether the sender of a message serves queries (CLUSTER INFO cluster_state).
enum class ClusterState : std::uint8_t { kOk, kFail };

/// Role bits as a message shows them; nodes in handshake have neither.
enum class RoleFlag : std::uint8_t { kUnknown, kPrimary, kReplica };

/// The flags of a node as header and gossip carry them. The codec maps them to bits.
/// Source: Redis Cluster bus, node flags of cluster.h; FAIL outranks PFAIL should a peer set both.
struct NodeFlags {
  RoleFlag role = RoleFlag::kUnknown;
  Health health = Health::kOnline;
  bool myself = false;
  bool handshake = false;
  bool no_address = false;
  bool meet = false;
  bool migrate_to = false;   // a primary that has, or had, replicas
  bool no_failover = false;  // a replica that will not try to be promoted
  bool extensions = false;   // understands ping extensions
  bool operator==(const NodeFlags&) const = default;
};

/// Where a node is reached. Empty ip: not known (or, on the wire, "the address you see me under").
/// Port 0: not offered.
struct NodeAddress {
  std::string ip;              // at most 45 bytes, no NUL
  std::uint16_t port = 0;      // plain clients
  std::uint16_t tls_port = 0;  // TLS clients
  std::uint16_t bus_port = 0;  // node-to-node
  bool operator==(const NodeAddress&) const = default;
};

/// Longest textual address, without the terminating NUL of the wire field. Source: NET_IP_STR_LEN 46.
inline constexpr std::size_t kMaxIpBytes = 45;
/// Longest hostname or human node name. Source: NET_HOST_STR_LEN 256, with the NUL.
inline constexpr std::size_t kMaxHostBytes = 255;
/// Whether a host name or human node name may have this character: printable, and none that separates fields in
/// nodes.conf. Source: Redis 7.2, isValidAuxChar.
[[nodiscard]] constexpr bool is_name_character(char c) noexcept {
  return c > 0x20 && c < 0x7f && std::string_view("!#$%&()*+:;<>?@[]^{|}~,=").find(c) == std::string_view::npos;
}
/// Bus port when none is announced: client port plus this. Source: CLUSTER_PORT_INCR.
inline constexpr std::uint16_t kBusPortOffset = 10'000;

}  // namespace ashlar::cluster
