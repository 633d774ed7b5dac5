/// Few short names with a value each, in one block of memory: the small hash.
///
///     | name | value | name | value | ...        each encoded as packed_item.h says
///
/// Against a listpack of the same there is no header, no end and no length behind each item, which is most of what ten
/// small fields weigh beside their text. So it can be read forwards only, and whoever owns a block says how long it is.
/// append_listpack() gives the bytes that Redis has for it.
///
/// PackedPairsView reads; PackedPairs owns a block and changes it. A position (PairPos) is the offset of a pair; it
/// stays valid while nothing before it changes. Thread: none of its own; the owner locks. Invariants
/// (check_invariants()):
///   1. The block holds exactly count() pairs; it has packed_block_bytes(bytes()) bytes, or there is none.
///   2. Every item is in its shortest form; text that spells an integer canonically is stored as that integer.
/// That names are distinct is the owner's affair. Cost: next, get O(1); find, seek O(pairs); change O(bytes behind it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "ds/packed_block.h"
#include "ds/packed_item.h"

namespace ashlar::ds {

/// Offset of a pair, or PackedPairsView::stop().
enum class PairPos : std::uint32_t {};

struct PackedPair {
  PackedValue name;
  PackedValue value;
};

/// A block with its sizes, for owners that keep them in a form of their own.
struct PackedPairsBlock {
  std::uint8_t* bytes = nullptr;
  std::uint32_t size = 0;  // bytes of content
  std::uint32_t pairs = 0;
};

class PackedPairs;

/// Reads pairs that live elsewhere and do not change meanwhile.
class PackedPairsView {
 public:
  /// Larger ones are refused: the listpack of them has at most twice as much, and a limit too.
  static constexpr std::size_t kBytesMax = (std::size_t{1} << 29) - 16;

  explicit PackedPairsView(const PackedPairsBlock& block) noexcept : block_(block) {}

  [[nodiscard]] std::size_t count() const noexcept { return block_.pairs; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return block_.size; }
  /// Bytes allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return packed_block_bytes(block_.size); }

  /// Behind the last pair.
  [[nodiscard]] PairPos stop() const noexcept { return PairPos{block_.size}; }
  /// The pair of an index, 0..count(); stop() for count().
  [[nodiscard]] PairPos seek(std::size_t index) const noexcept;
  /// The pair of a name; stop() when there is none.
  [[nodiscard]] PairPos find(const PackedItem& name) const noexcept;
  /// `at` is not stop().
  [[nodiscard]] PackedPair get(PairPos at) const noexcept {
    PackedPair pair{PackedValue(std::int64_t{0}), PackedValue(std::int64_t{0})};
    decode_packed(decode_packed(ptr(at), pair.name), pair.value);
    return pair;
  }
  /// Calls visit(const PackedPair&) for every pair in order.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    PackedPair pair{PackedValue(std::int64_t{0}), PackedValue(std::int64_t{0})};
    for (const std::uint8_t *at = begin(), *last = end(); at != last;) {
      at = decode_packed(decode_packed(at, pair.name), pair.value);
      visit(std::as_const(pair));
    }
  }

  /// Whether `bytes` more (PackedItem::encoded_bytes()) stay within kBytesMax. Changes that do not abort.
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept { return bytes <= kBytesMax - block_.size; }
  [[nodiscard]] PackedPairs clone() const;
  /// Appends the listpack of names and values by turns. Cost: O(bytes).
  void append_listpack(std::string& out) const;
  /// Aborts when an invariant is broken. For tests.
  void check_invariants() const;

 private:
  friend class PackedPairs;
  [[nodiscard]] const std::uint8_t* begin() const noexcept { return block_.bytes; }
  [[nodiscard]] const std::uint8_t* end() const noexcept { return block_.bytes + block_.size; }
  [[nodiscard]] const std::uint8_t* ptr(PairPos at) const noexcept {
    return block_.bytes + static_cast<std::uint32_t>(at);
  }
  [[nodiscard]] PairPos pos(const std::uint8_t* at) const noexcept {
    return PairPos{static_cast<std::uint32_t>(at - block_.bytes)};
  }

  PackedPairsBlock block_;
};

/// Owns pairs. Moved, never copied by accident (clone()). An empty one allocates nothing.
class PackedPairs {
 public:
  PackedPairs() noexcept = default;
  PackedPairs(PackedPairs&& other) noexcept : block_(std::exchange(other.block_, {})) {}
  PackedPairs& operator=(PackedPairs&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~PackedPairs();

  /// Takes what release() gave.
  [[nodiscard]] static PackedPairs adopt(const PackedPairsBlock& block) noexcept { return PackedPairs(block); }
  [[nodiscard]] PackedPairsBlock release() noexcept { return std::exchange(block_, {}); }

  /// Valid until the next change.
  [[nodiscard]] PackedPairsView view() const noexcept { return PackedPairsView(block_); }
  [[nodiscard]] std::size_t count() const noexcept { return block_.pairs; }

  void append(const PackedItem& name, const PackedItem& value);
  /// Gives the pair at `at` another value.
  void assign(PairPos at, const PackedItem& value);
  /// Removes the pair at `at`; what followed is then there.
  void erase(PairPos at);

 private:
  explicit PackedPairs(const PackedPairsBlock& block) noexcept : block_(block) {}
  /// Replaces `removed` bytes at `offset` by `added` bytes of room, where they begin is returned.
  std::uint8_t* splice(std::size_t offset, std::size_t removed, std::size_t added);

  PackedPairsBlock block_;
};

}  // namespace ashlar::ds
