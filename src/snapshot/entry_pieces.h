/// Encoding an entry in pieces, for values that take too long to encode while their slot is locked.
///
/// Between two pieces the slot may be unlocked. The entry must not change meanwhile: whoever is about to change it asks
/// for what is left first. Reading it, and changing other entries, is free. Thread: one at a time, the slot locked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "keyspace/entry.h"
#include "snapshot/chunk.h"

namespace ashlar::snapshot {

class EntryPieces {
 public:
  enum class Left : std::uint8_t { kMore, kNothing };
  /// An end that is never reached.
  static constexpr std::size_t kNoEnd = std::numeric_limits<std::size_t>::max();

  virtual ~EntryPieces() = default;
  /// Goes on until `out.bytes`, which has fewer than `end` bytes, has them or a little more: elements are not cut, nor
  /// the nodes of lists and streams. May end sooner, when it has looked at much in vain. Not to be called again after
  /// kNothing.
  [[nodiscard]] virtual Left next(Chunk& out, std::size_t end) = 0;
};

/// Whether the value is a collection so big that it should be encoded in pieces: from some 64 KiB on. O(1), but for a
/// stream with many groups.
[[nodiscard]] bool is_huge(const keyspace::Entry& entry) noexcept;

}  // namespace ashlar::snapshot
