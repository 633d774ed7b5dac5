/// Ids of stream entries: milliseconds and a sequence number, compared in that order. Values. Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ashlar::keyspace {

struct StreamId {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;

  constexpr auto operator<=>(const StreamId&) const noexcept = default;

  static constexpr std::uint64_t kPartMax = std::numeric_limits<std::uint64_t>::max();
  [[nodiscard]] static constexpr StreamId max() noexcept { return {kPartMax, kPartMax}; }
  [[nodiscard]] constexpr bool is_zero() const noexcept { return ms == 0 && seq == 0; }

  /// The id that follows; nullopt for max().
  [[nodiscard]] constexpr std::optional<StreamId> next() const noexcept {
    if (seq < kPartMax) return StreamId{ms, seq + 1};
    return ms < kPartMax ? std::optional(StreamId{ms + 1, 0}) : std::nullopt;
  }
  /// The id before; nullopt for 0-0.
  [[nodiscard]] constexpr std::optional<StreamId> prev() const noexcept {
    if (seq > 0) return StreamId{ms, seq - 1};
    return ms > 0 ? std::optional(StreamId{ms - 1, kPartMax}) : std::nullopt;
  }

  /// 16 bytes, both numbers with the most significant byte first: as files hold ids.
  using Bytes = std::array<char, 16>;
  [[nodiscard]] Bytes bytes() const noexcept {
    Bytes out;
    store_be(out.data(), ms);
    store_be(out.data() + 8, seq);
    return out;
  }
  [[nodiscard]] static StreamId from_bytes(const Bytes& bytes) noexcept {
    return {load_be<std::uint64_t>(bytes.data()), load_be<std::uint64_t>(bytes.data() + 8)};
  }
};

/// Room for any id as text.
using StreamIdBuffer = std::array<char, 41>;
/// "ms-seq" inside `buffer`; the view lives as long as the buffer.
[[nodiscard]] std::string_view format_id(StreamId id, StreamIdBuffer& buffer) noexcept;
[[nodiscard]] std::string id_text(StreamId id);

}  // namespace ashlar::keyspace
