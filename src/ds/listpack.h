/// A sequence of short strings and integers in one block of memory, byte for byte the listpack of Redis 7.
///
///     | total bytes (4, LE) | count (2, LE; 65535 = count them) | entry ... entry | 0xFF |
///     entry: | encoding and data | length of that, readable backwards (1..5) |
///
///     0xxxxxxx            integer 0..127              1110xxxx + 1  string up to 4095 bytes
///     10xxxxxx            string up to 63 bytes       11110000 + 4  string, length LE
///     110xxxxx + 1        integer of 13 bits          11110001 .. 11110100  integer of 2, 3, 4, 8 bytes LE
///
/// ListpackView reads; Listpack owns a block and changes it. A position (ListpackPos) is the offset of an entry; it
/// stays valid while nothing before it changes. PackedItem is a value already encoded: building one from text decides
/// whether it is an integer, so that comparing is comparing bytes.
///
/// Thread: none of its own; the owner locks. Invariants (check_invariants()):
///   1. The header's total is the exact size; the header's count is the number of entries, or 65535 if there are as
///      many or more.
///   2. Every value is in its shortest form; text that spells an integer canonically is stored as that integer.
///   3. The block has packed_block_bytes(total) bytes.
/// Cost: next/prev/get O(1); seek O(distance to the nearer end); change O(bytes behind it).
/// Source: the listpack of Redis 7.0, as found inside RDB files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "ds/packed_block.h"

namespace ashlar::ds {

/// Offset of an entry in its listpack, or ListpackView::stop().
enum class ListpackPos : std::uint32_t {};

/// A value read from a listpack: an integer, or bytes inside the listpack (valid until it changes). 16 bytes, by value.
class PackedValue {
 public:
  explicit PackedValue(std::int64_t number) noexcept : bits_(static_cast<std::uint64_t>(number)) {}
  explicit PackedValue(std::string_view bytes) noexcept
      : data_(bytes.data() != nullptr ? bytes.data() : ""), bits_(bytes.size()) {}

  [[nodiscard]] bool is_integer() const noexcept { return data_ == nullptr; }
  /// Only when is_integer().
  [[nodiscard]] std::int64_t integer() const noexcept { return static_cast<std::int64_t>(bits_); }
  /// Only when !is_integer().
  [[nodiscard]] std::string_view bytes() const noexcept { return {data_, bits_}; }
  /// The value as text; an integer is rendered into `buffer`.
  [[nodiscard]] std::string_view text(DecimalBuffer& buffer) const noexcept {
    return is_integer() ? format_i64(integer(), buffer) : bytes();
  }
  [[nodiscard]] std::string to_string() const {
    DecimalBuffer buffer;
    return std::string(text(buffer));
  }

 private:
  const char* data_ = nullptr;  // nullptr: the value is an integer
  std::uint64_t bits_ = 0;      // the integer, or the number of bytes
};

/// A value as it stands (or would stand) in a listpack, for inserting and for searching. Refers to the text it was
/// made from, which must outlive it and must not lie inside the listpack that is changed with it.
class PackedItem {
 public:
  /// Text that is the canonical form of a 64-bit integer becomes that integer. At most 4 GiB - 16 bytes.
  PackedItem(std::string_view text) noexcept;    // NOLINT(google-explicit-constructor): a value is a value
  PackedItem(std::int64_t number) noexcept;      // NOLINT(google-explicit-constructor)
  PackedItem(const PackedValue& value) noexcept  // NOLINT(google-explicit-constructor)
      : PackedItem(value.is_integer() ? PackedItem(value.integer()) : PackedItem(value.bytes())) {}

  [[nodiscard]] bool is_integer() const noexcept { return integer_; }
  /// Only when is_integer().
  [[nodiscard]] std::int64_t integer() const noexcept { return number_; }
  /// Only when !is_integer(): the text itself.
  [[nodiscard]] std::string_view text_bytes() const noexcept { return body_; }
  /// Bytes of the entry with its backward length.
  [[nodiscard]] std::size_t entry_bytes() const noexcept;
  /// Whether a value read elsewhere is this one.
  [[nodiscard]] bool same_as(const PackedValue& value) const noexcept {
    if (value.is_integer() != integer_) return false;
    return integer_ ? value.integer() == number_ : value.bytes() == body_;
  }

 private:
  friend class Listpack;
  friend class ListpackView;
  void encode_integer(std::int64_t number) noexcept;
  void encode_string(std::string_view text) noexcept;
  [[nodiscard]] std::size_t encoded_bytes() const noexcept { return head_size_ + body_.size(); }
  void write(std::uint8_t* at) const noexcept;

  std::array<std::uint8_t, 9> head_{};
  std::uint8_t head_size_ = 0;
  bool integer_ = false;
  std::int64_t number_ = 0;
  std::string_view body_;
};

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
    decode(ptr(at), value);
    return value;
  }
  /// Whether the entry at `at` (not stop()) holds `item`. Formats nothing.
  [[nodiscard]] bool matches(ListpackPos at, const PackedItem& item) const noexcept { return same(ptr(at), item); }
  /// The first entry equal to `item` among `from`, and every (skip + 1)-th entry after it; stop() when there is none.
  [[nodiscard]] ListpackPos find(const PackedItem& item, ListpackPos from, std::size_t skip = 0) const noexcept;

  /// Forward iteration over the values: `for (const PackedValue& value : view)`.
  class Iterator {
   public:
    explicit Iterator(const std::uint8_t* at) noexcept : at_(at) {}
    [[nodiscard]] PackedValue operator*() const noexcept {
      PackedValue value(std::int64_t{0});
      decode(at_, value);
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
  static constexpr std::size_t kHeader = 6;
  static constexpr std::uint8_t kEnd = 0xFF;
  static constexpr std::uint16_t kCountUnknown = 0xFFFF;

  [[nodiscard]] const std::uint8_t* ptr(ListpackPos at) const noexcept {
    return block_ + static_cast<std::uint32_t>(at);
  }
  [[nodiscard]] ListpackPos pos(const std::uint8_t* at) const noexcept {
    return ListpackPos{static_cast<std::uint32_t>(at - block_)};
  }
  /// Reads the value at `at`, returns the byte behind its data (where the backward length begins).
  static const std::uint8_t* decode(const std::uint8_t* at, PackedValue& value) noexcept;
  [[nodiscard]] static const std::uint8_t* after(const std::uint8_t* at) noexcept;
  [[nodiscard]] static const std::uint8_t* before(const std::uint8_t* at) noexcept;
  [[nodiscard]] static bool same(const std::uint8_t* at, const PackedItem& item) noexcept {
    return *at == item.head_[0] && std::memcmp(at, item.head_.data(), item.head_size_) == 0 &&
           (item.body_.empty() || std::memcmp(at + item.head_size_, item.body_.data(), item.body_.size()) == 0);
  }
  [[nodiscard]] std::size_t count_slowly() const noexcept;

  const std::uint8_t* block_;
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
  [[nodiscard]] static std::uint8_t* allocate(std::size_t total);

  std::uint8_t* block_;
};

}  // namespace ashlar::ds
