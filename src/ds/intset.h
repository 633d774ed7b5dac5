/// A sorted set of integers in one block of memory, byte for byte the intset of Redis.
///
///     | width of an element: 2, 4 or 8 (4 bytes, LE) | count (4, LE) | elements, ascending, LE |
///
/// The width is that of the widest element there has been; it grows by rewriting the whole set and never shrinks.
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. Elements ascend strictly.
///   2. The block has packed_block_bytes(size_bytes()) bytes.
/// Cost: contains O(log n) without a branch per step; insert and erase O(n) bytes moved; at O(1).
/// Source: the intset of Redis, as found inside RDB files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "ds/packed_block.h"

namespace ashlar::ds {

/// Moved, never copied by accident (clone()). A moved-from one may only be destroyed or assigned.
class Intset {
 public:
  Intset();
  Intset(Intset&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Intset();

  /// Checks bytes from outside completely (width, sizes, order) and keeps a copy. An empty set is accepted.
  /// Errors: kCorrupt. Cost: O(bytes).
  [[nodiscard]] static Result<Intset> validated(std::string_view blob);
  [[nodiscard]] Intset clone() const;

  /// The block alone, for owners that have room for a pointer only. adopt() takes what release() gave.
  [[nodiscard]] std::uint8_t* release() noexcept { return std::exchange(block_, nullptr); }
  [[nodiscard]] static Intset adopt(std::uint8_t* block) noexcept { return Intset(block); }

  [[nodiscard]] std::size_t size() const noexcept { return load_le<std::uint32_t>(block_ + 4); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  /// Bytes of one element: 2, 4 or 8.
  [[nodiscard]] std::size_t width() const noexcept { return load_le<std::uint32_t>(block_); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return kHeader + size() * width(); }
  /// Bytes allocated.
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return packed_block_bytes(size_bytes()); }
  /// The whole blob, as RDB stores it; valid until the next change.
  [[nodiscard]] std::string_view blob() const noexcept { return {reinterpret_cast<const char*>(block_), size_bytes()}; }

  [[nodiscard]] bool contains(std::int64_t value) const noexcept;
  /// The element at `index` (0..size()-1) in ascending order.
  [[nodiscard]] std::int64_t at(std::size_t index) const noexcept { return load(width(), index); }
  /// How many elements are less than `value`: its index if it is contained.
  [[nodiscard]] std::size_t lower_bound(std::int64_t value) const noexcept;

  /// False when it was there already.
  bool insert(std::int64_t value);
  /// False when it was not there.
  bool erase(std::int64_t value);

  /// Ascending iteration: `for (std::int64_t value : set)`.
  class Iterator {
   public:
    Iterator(const Intset& set, std::size_t index) noexcept : set_(&set), index_(index) {}
    [[nodiscard]] std::int64_t operator*() const noexcept { return set_->at(index_); }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

   private:
    const Intset* set_;
    std::size_t index_;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, size()}; }

  /// Aborts when an invariant is broken. For tests.
  void check_invariants() const;

 private:
  static constexpr std::size_t kHeader = 8;

  explicit Intset(std::uint8_t* block) noexcept : block_(block) {}
  [[nodiscard]] static std::uint8_t* allocate(std::size_t width, std::size_t size);
  [[nodiscard]] std::int64_t load(std::size_t width, std::size_t index) const noexcept {
    const std::uint8_t* p = block_ + kHeader + index * width;
    if (width == 2) return static_cast<std::int16_t>(load_le<std::uint16_t>(p));
    if (width == 4) return static_cast<std::int32_t>(load_le<std::uint32_t>(p));
    return static_cast<std::int64_t>(load_le<std::uint64_t>(p));
  }
  void store(std::size_t width, std::size_t index, std::int64_t value) noexcept;
  /// Rewrites the set with wider elements and `value`, which needs them, at one of its ends.
  void widen_with(std::int64_t value, std::size_t width);
  void resize(std::size_t old_bytes, std::size_t new_bytes);

  std::uint8_t* block_;
};

}  // namespace ashlar::ds
