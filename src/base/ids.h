/// Identifiers and counters as types of their own, so that an epoch is never passed for an offset.
/// Thread: values, any.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

/// Number of hash slots of a cluster. Source: Redis Cluster specification, "Key distribution model".
inline constexpr std::uint16_t kSlotCount = 16384;

/// A hash slot, 0..16383.
class SlotId {
 public:
  constexpr SlotId() noexcept = default;
  /// nullopt unless 0 <= value <= 16383.
  [[nodiscard]] static constexpr std::optional<SlotId> from(std::int64_t value) noexcept {
    if (value < 0 || value >= kSlotCount) return std::nullopt;
    return SlotId(static_cast<std::uint16_t>(value));
  }
  /// Takes the low 14 bits: for hashes and loop counters, which cannot be out of range.
  [[nodiscard]] static constexpr SlotId wrap(std::uint32_t value) noexcept {
    return SlotId(static_cast<std::uint16_t>(value & (kSlotCount - 1)));
  }
  [[nodiscard]] constexpr std::uint16_t value() const noexcept { return value_; }
  constexpr auto operator<=>(const SlotId&) const noexcept = default;

 private:
  constexpr explicit SlotId(std::uint16_t value) noexcept : value_(value) {}
  std::uint16_t value_ = 0;
};

/// A number with a meaning. Tag makes each meaning a type; only comparison and explicit access are offered.
template <typename Tag, typename Rep = std::uint64_t>
struct Counter {
  Rep value{};
  constexpr auto operator<=>(const Counter&) const noexcept = default;
  /// The counter moved by `by`.
  [[nodiscard]] constexpr Counter plus(Rep by) const noexcept { return Counter{static_cast<Rep>(value + by)}; }
};

/// Epoch of a cluster vote or of a slot claim.
using ConfigEpoch = Counter<struct ConfigEpochTag>;
/// Byte offset in the replication stream; signed as on the wire.
using ReplOffset = Counter<struct ReplOffsetTag, std::int64_t>;
/// A client connection, unique for the life of the process; the handle that may be stale.
using ClientId = Counter<struct ClientIdTag>;
/// A logical database, 0..databases-1.
using DbIndex = Counter<struct DbIndexTag, std::uint32_t>;

/// 20 random bytes that name a cluster node, a run or a replication history; 40 lower-case hex digits outside.
class NodeId {
 public:
  constexpr NodeId() noexcept = default;
  [[nodiscard]] static constexpr NodeId from_bytes(const std::array<std::uint8_t, 20>& bytes) noexcept {
    NodeId id;
    id.bytes_ = bytes;
    return id;
  }
  /// nullopt unless `hex` is exactly 40 hex digits.
  [[nodiscard]] static std::optional<NodeId> from_hex(std::string_view hex) noexcept;
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] constexpr const std::array<std::uint8_t, 20>& bytes() const noexcept { return bytes_; }
  /// True for the all-zero id, which stands for "none" on the bus and in PSYNC.
  [[nodiscard]] constexpr bool is_zero() const noexcept { return bytes_ == std::array<std::uint8_t, 20>{}; }
  constexpr auto operator<=>(const NodeId&) const noexcept = default;

 private:
  std::array<std::uint8_t, 20> bytes_{};
};

class Rng;
/// A node id drawn from `rng` (tests, simulator) .
[[nodiscard]] NodeId draw_node_id(Rng& rng);
/// A node id from the system's entropy source.
[[nodiscard]] NodeId random_node_id();

}  // namespace ashlar

template <>
struct std::hash<ashlar::NodeId> {
  std::size_t operator()(const ashlar::NodeId& id) const noexcept {
    std::size_t h = 0;
    for (int i = 0; i < 8; ++i) h = h << 8 | id.bytes()[static_cast<std::size_t>(i)];
    return h;
  }
};
template <typename Tag, typename Rep>
struct std::hash<ashlar::Counter<Tag, Rep>> {
  std::size_t operator()(const ashlar::Counter<Tag, Rep>& c) const noexcept { return std::hash<Rep>{}(c.value); }
};
