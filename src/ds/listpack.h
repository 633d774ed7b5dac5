/// A sequence of short strings and integers in one block of memory, byte for byte the listpack of Redis 7.
///
///     | total bytes (4, LE) | count (2, LE; 65535 = count them) | entry ... entry | 0xFF |
///     entry: | encoding and data (packed_item.h) | length of that, readable backwards (1..5) |
///
/// ListpackView reads; Listpack owns a block and changes it. A position (ListpackPos) is the offset of an entry; it
/// stays valid while nothing before it changes. Values go in as PackedItem and come out as PackedValue (packed_item.h).
///
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. The header's total is the exact size; the header's count is the number of entries, or 65535 if there are as
///      many or more.
///   2. Every value is in its shortest form; text that spells an integer canonically is stored as that integer.
///   3. The block has packed_block_bytes(total) bytes.
/// Cost: next/prev/get O(1); seek O(distance to the nearer end); change O(bytes behind it).
/// Source: the listpack of Redis 7.0, as found inside RDB files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "ds/packed_block.h"
#include "ds/packed_item.h"

namespace ashlar::ds {

/// Offset of an entry in its listpack, or ListpackView::stop().
enum class ListpackPos : std::uint32_t {};

/// Reads a well-formed listpack that lives elsewhere and does not change meanwhile.
class ListpackView {
 public:
  /// `block` starts a listpack that Listpack made or validated.
  explicit ListpackView(const std::uint8_t* block) noexcept : block_(block) {}

  /// The whole blob, as RDB stores it.
  [[nodiscard]] std::string_view blob() const noexcept { return {reinterpret_cast<const char*>(block_), size_bytes()}; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return load_le<std::uint32_t>(block_); }
  [[nodiscard]] bool empty() const noexcept { return block_[kHeader] == kEnd; }
  /// Number of entries; counted one by one from 65535 on.
  [[nodiscard]] std::size_t count() const noexcept {
    const auto known = load_le<std::uint16_t>(block_ + 4);
    return known != kCountUnknown ? known : count_slowly();
  }

  /// Behind the last entry.
  [[nodiscard]] ListpackPos stop() const noexcept { return pos(block_ + size_bytes() - 1); }
  /// stop() when empty.
  [[nodiscard]] ListpackPos first() const noexcept { return pos(block_ + kHeader); }
  /// stop() when empty.
  [[nodiscard]] ListpackPos last() const noexcept { return prev(stop()); }
  /// `at` is not stop().
  [[nodiscard]] ListpackPos next(ListpackPos at) const noexcept { return pos(after(ptr(at))); }
  /// The entry before `at` (which may be stop()); stop() when `at` is the first.
  [[nodiscard]] ListpackPos prev(ListpackPos at) const noexcept {
    return at == first() ? stop() : pos(before(ptr(at)));
  }
  /// The entry of an index, from the end when negative (-1 is the last); stop() when there is none.
  [[nodiscard]] ListpackPos seek(std::int64_t index) const noexcept;
  /// `at` is not stop().
  [[nodiscard]] PackedValue get(ListpackPos at) const noexcept {
    PackedValue value(std::int64_t{0});
    decode_packed(ptr(at), value);
    return value;
  }
  /// Whether the entry at `at` (not stop()) holds `item`. Formats nothing.
  [[nodiscard]] bool matches(ListpackPos at, const PackedItem& item) const noexcept { return item.stands_at(ptr(at)); }
  /// The first entry equal to `item` among `from`, and every (skip + 1)-th entry after it; stop() when there is none.
  [[nodiscard]] ListpackPos find(const PackedItem& item, ListpackPos from, std::size_t skip = 0) const noexcept;

  /// Forward iteration over the values: `for (const PackedValue& value : view)`.
  class Iterator {
   public:
    explicit Iterator(const std::uint8_t* at) noexcept : at_(at) {}
    [[nodiscard]] PackedValue operator*() const noexcept {
      PackedValue value(std::int64_t{0});
      decode_packed(at_, value);
      return value;
    }
    Iterator& operator++() noexcept {
      at_ = after(at_);
      return *this;
    }
    [[nodiscard]] bool operator==(const Iterator&) const noexcept = default;

   private:
    const std::uint8_t* at_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(block_ + kHeader); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(block_ + size_bytes() - 1); }

  /// Aborts when an invariant is broken. For tests.
  void check_invariants() const;

 private:
  friend class Listpack;
  friend class ListpackWriter;
  static constexpr std::size_t kHeader = 6;
  static constexpr std::uint8_t kEnd = 0xFF;
  static constexpr std::uint16_t kCountUnknown = 0xFFFF;

  [[nodiscard]] const std::uint8_t* ptr(ListpackPos at) const noexcept {
    return block_ + static_cast<std::uint32_t>(at);
  }
  [[nodiscard]] ListpackPos pos(const std::uint8_t* at) const noexcept {
    return ListpackPos{static_cast<std::uint32_t>(at - block_)};
  }
  [[nodiscard]] static const std::uint8_t* after(const std::uint8_t* at) noexcept;
  [[nodiscard]] static const std::uint8_t* before(const std::uint8_t* at) noexcept;
  [[nodiscard]] std::size_t count_slowly() const noexcept;

  const std::uint8_t* block_;
};

/// Writes the bytes of a listpack of values that are encoded already.
class ListpackWriter {
 public:
  /// Appends to `out`, which outlives this.
  explicit ListpackWriter(std::string& out);
  /// One value as it stands in a packed structure.
  void add(std::string_view encoded);
  /// To be called once, at the end. Not more than Listpack::kBytesMax have been written.
  void finish();

 private:
  std::string& out_;
  std::size_t begin_;
  std::size_t count_ = 0;
};

/// Owns one listpack. Moved, never copied by accident (clone()). A moved-from one may only be destroyed or assigned.
class Listpack {
 public:
  /// Larger ones are refused, as in Redis.
  static constexpr std::size_t kBytesMax = std::size_t{1} << 30;

  Listpack();
  Listpack(Listpack&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Listpack& operator=(Listpack&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Listpack();

  /// Checks bytes from outside completely (sizes, count, every entry both ways, end mark) and builds a listpack of the
  /// same values in their shortest form. Errors: kCorrupt. Cost: O(bytes).
  [[nodiscard]] static Result<Listpack> validated(std::string_view blob);
  [[nodiscard]] Listpack clone() const;

  /// The block alone, for owners that have room for a pointer only. adopt() takes what release() gave.
  [[nodiscard]] std::uint8_t* release() noexcept { return std::exchange(block_, nullptr); }
  [[nodiscard]] static Listpack adopt(std::uint8_t* block) noexcept { return Listpack(block); }

  /// Valid until the next change.
  [[nodiscard]] ListpackView view() const noexcept { return ListpackView(block_); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return view().size_bytes(); }
  [[nodiscard]] std::size_t count() const noexcept { return view().count(); }
  [[nodiscard]] bool empty() const noexcept { return view().empty(); }
  /// Bytes allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return packed_block_bytes(size_bytes()); }
  /// Whether `bytes` more (entry_bytes()) stay within kBytesMax. The mutators below check it and abort otherwise.
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept { return bytes <= kBytesMax - size_bytes(); }

  void append(const PackedItem& item);
  void prepend(const PackedItem& item);
  /// Puts `item` before the entry at `at` (or at the end for stop()); the new entry is at `at`.
  void insert(ListpackPos at, const PackedItem& item);
  /// Puts `item` in place of the entry at `at`.
  void replace(ListpackPos at, const PackedItem& item);
  /// Removes `count` entries from `at` on, or as many as there are. What followed is then at `at`.
  void erase(ListpackPos at, std::size_t count = 1);
  /// The same by index (negative from the end); nothing happens when the index is out of range.
  void erase_range(std::int64_t index, std::size_t count);
  /// Appends all entries of `other`, which must not be a view of this one.
  void append_all(const ListpackView& other);
  /// Moves the entries from `at` on into a listpack of their own.
  [[nodiscard]] Listpack split_off(ListpackPos at);

 private:
  explicit Listpack(std::uint8_t* block) noexcept : block_(block) {}
  /// Replaces `removed` bytes at `offset` by `added` bytes of room; sizes and block follow, the count does not.
  std::uint8_t* splice(std::size_t offset, std::size_t removed, std::size_t added);
  void count_changed(std::size_t removed, std::size_t added) noexcept;
  void set_count(std::size_t count) noexcept;

  std::uint8_t* block_;
};

}  // namespace ashlar::ds
