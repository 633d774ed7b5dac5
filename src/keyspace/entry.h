/// One key with its value in one allocation: header, optional TTL, key and, when small, the value.
///
///     offset 0  1        2      3        6           8
///            | meta | key len | slack | clock(24) | value len | [expiry 8] | [key len 4] | key | value ... slack |
///
/// Value forms: an integer (8 bytes), bytes inside the entry (up to kInlineMax), a pointer to a HeapString, or a
/// pointer to a collection (then "value len" holds its Type). Reading a value allocates nothing. Thread: none of its
/// own; reached only under the slot's lock. Invariant: an entry owns what it points to; alloc_size() is exactly what
/// was allocated.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/check.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

/// A long string of its own, with room to grow so that APPEND is amortised.
struct HeapString {
  std::uint64_t size = 0;
  std::uint64_t capacity = 0;
  [[nodiscard]] char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  [[nodiscard]] std::string_view view() const noexcept { return {reinterpret_cast<const char*>(this + 1), size}; }
  static HeapString* make(std::string_view content, std::uint64_t capacity);
  static void destroy(HeapString* s) noexcept;
};
struct HeapStringDeleter {
  void operator()(HeapString* s) const noexcept { HeapString::destroy(s); }
};
using OwnedString = std::unique_ptr<HeapString, HeapStringDeleter>;

/// How OBJECT ENCODING calls a string. Bytes that were built piecewise stay kRaw however short they are.
enum class StringForm : std::uint8_t { kPlain, kRaw };

/// A value without its key, for RENAME, COPY, RESTORE and loading. Owns what it holds; no pointer is null. A long
/// string that is an OwnedString goes into an entry without another copy.
struct OwnedValue {
  std::variant<std::int64_t, std::string, OwnedString, Owned<List>, Owned<Set>, Owned<SortedSet>, Owned<Hash>,
               Owned<Stream>>
      data;
  StringForm form = StringForm::kPlain;
};

class Entry {
 public:
  /// Values up to this many bytes live inside the entry. 1 KiB: beyond it copying on growth costs more than the
  /// pointer.
  static constexpr std::size_t kInlineMax = 1024;

  /// A string entry. Text that is the canonical form of a 64-bit integer is kept as that integer.
  [[nodiscard]] static Entry* make(std::string_view key, std::string_view value, std::optional<WallTime> expiry);
  [[nodiscard]] static Entry* make_int(std::string_view key, std::int64_t value, std::optional<WallTime> expiry);
  [[nodiscard]] static Entry* make_owned(std::string_view key, OwnedValue value, std::optional<WallTime> expiry);
  static void destroy(Entry* entry) noexcept;

  /// Overwrites the value where that needs no other allocation; false leaves the entry as it was.
  [[nodiscard]] bool assign_in_place(std::string_view value) noexcept;
  [[nodiscard]] bool assign_int_in_place(std::int64_t value) noexcept;

  [[nodiscard]] std::string_view key() const noexcept { return {bytes() + key_offset(), key_size()}; }

  [[nodiscard]] bool is_string() const noexcept { return form() != kFormCollection; }
  [[nodiscard]] Type type() const noexcept { return is_string() ? Type::kString : static_cast<Type>(value_size_); }
  /// The collection, or nullptr when the value is something else. Who changes it goes through Db::edit().
  template <typename V>
  [[nodiscard]] const V* collection() const noexcept {
    return type() == kTypeOf<V> ? static_cast<const V*>(pointer()) : nullptr;
  }
  template <typename V>
  [[nodiscard]] V* collection() noexcept {
    return type() == kTypeOf<V> ? static_cast<V*>(pointer()) : nullptr;
  }

  [[nodiscard]] bool is_int() const noexcept { return form() == kFormInt; }
  /// Only when is_int().
  [[nodiscard]] std::int64_t int_value() const noexcept {
    std::int64_t v = 0;
    std::memcpy(&v, bytes() + value_offset(), sizeof v);
    return v;
  }
  /// The value as text; integers are rendered into `buffer`. Lives until the entry or the buffer changes. Only when
  /// is_string().
  [[nodiscard]] std::string_view text(DecimalBuffer& buffer) const noexcept {
    switch (form()) {
      case kFormInt: return format_i64(int_value(), buffer);
      case kFormInline: return {bytes() + value_offset(), value_size_};
      default: return heap()->view();
    }
  }
  /// Length of text() without rendering more than needed.
  [[nodiscard]] std::size_t text_size() const noexcept {
    DecimalBuffer buffer;
    return text(buffer).size();
  }
  [[nodiscard]] OwnedValue copy_value() const;
  /// Takes the value out; what is left is the integer 0. O(1).
  [[nodiscard]] OwnedValue take_value();

  /// "int", "embstr", "raw", "listpack", ... as Redis calls it.
  [[nodiscard]] std::string_view encoding_name() const noexcept;

  [[nodiscard]] bool has_expiry() const noexcept { return (meta_ & kHasExpiry) != 0; }
  /// Unix milliseconds; only when has_expiry().
  [[nodiscard]] std::int64_t expiry_ms() const noexcept {
    std::int64_t v = 0;
    std::memcpy(&v, bytes() + kHeader, sizeof v);
    return v;
  }
  [[nodiscard]] std::optional<WallTime> expiry() const noexcept {
    return has_expiry() ? std::optional(wall_from_unix_millis(expiry_ms())) : std::nullopt;
  }
  /// Only when has_expiry(): moves the time without another allocation.
  void set_expiry_in_place(WallTime at) noexcept {
    const std::int64_t ms = unix_millis(at);
    std::memcpy(bytes() + kHeader, &ms, sizeof ms);
  }

  /// Access clock, 24 bits: what it means is the eviction policy's matter (keyspace/access_clock.h).
  [[nodiscard]] std::uint32_t clock() const noexcept {
    return clock_[0] | static_cast<std::uint32_t>(clock_[1]) << 8 | static_cast<std::uint32_t>(clock_[2]) << 16;
  }
  void set_clock(std::uint32_t clock) noexcept {
    clock_[0] = static_cast<std::uint8_t>(clock);
    clock_[1] = static_cast<std::uint8_t>(clock >> 8);
    clock_[2] = static_cast<std::uint8_t>(clock >> 16);
  }

  /// For batches, two stages: starts loading what the value points to, and then what a collection refers to first,
  /// which is where its elements are. Only hints; O(1).
  void prefetch_value() const noexcept {
    if (points()) prefetch(pointer());
  }
  void prefetch_content() const noexcept {
    if (form() != kFormCollection) return;
    const void* first = nullptr;  // every collection begins with the address of its block or table
    std::memcpy(&first, pointer(), sizeof first);
    prefetch(first);
  }

  /// Whether freeing the value takes longer than handing it to another thread.
  [[nodiscard]] bool slow_to_free() const noexcept { return !is_string() && value_slow_to_free(type(), pointer()); }
  /// Bytes allocated for this entry and what it points to.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  /// The same key and value with another expiry, in a new allocation; the old entry is gone.
  [[nodiscard]] static Entry* rebuilt(Entry* old, std::optional<WallTime> expiry);
  /// A writable buffer of exactly `size` bytes that starts with the present text and continues with zeros; the entry
  /// becomes a raw string. May return another entry, then this one is gone.
  struct Writable {
    Entry* entry;
    char* data;
  };
  [[nodiscard]] static Writable writable(Entry* entry, std::size_t size);

 private:
  static constexpr std::size_t kHeader = 8;
  static constexpr std::uint8_t kFormMask = 0x03;
  static constexpr std::uint8_t kFormInt = 0;
  static constexpr std::uint8_t kFormInline = 1;
  static constexpr std::uint8_t kFormHeap = 2;
  static constexpr std::uint8_t kFormCollection = 3;
  static constexpr std::uint8_t kHasExpiry = 0x04;
  static constexpr std::uint8_t kLongKey = 0x08;
  static constexpr std::uint8_t kRawForm = 0x10;

  struct Shape;  // what an allocation must hold
  [[nodiscard]] static Entry* allocate(const Shape& shape);

  [[nodiscard]] std::uint8_t form() const noexcept { return meta_ & kFormMask; }
  [[nodiscard]] char* bytes() noexcept { return reinterpret_cast<char*>(this); }
  [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(this); }
  [[nodiscard]] std::size_t long_key_offset() const noexcept { return kHeader + (has_expiry() ? 8 : 0); }
  [[nodiscard]] std::size_t key_offset() const noexcept {
    return long_key_offset() + ((meta_ & kLongKey) != 0 ? 4 : 0);
  }
  [[nodiscard]] std::size_t key_size() const noexcept {
    if ((meta_ & kLongKey) == 0) [[likely]]
      return key_size_;
    std::uint32_t n = 0;
    std::memcpy(&n, bytes() + long_key_offset(), sizeof n);
    return n;
  }
  [[nodiscard]] std::size_t value_offset() const noexcept { return key_offset() + key_size(); }
  [[nodiscard]] std::size_t stored_value_bytes() const noexcept { return form() == kFormInline ? value_size_ : 8; }
  [[nodiscard]] std::size_t alloc_size() const noexcept { return value_offset() + stored_value_bytes() + slack_; }
  [[nodiscard]] void* pointer() const noexcept {
    void* p = nullptr;
    std::memcpy(&p, bytes() + value_offset(), sizeof p);
    return p;
  }
  [[nodiscard]] HeapString* heap() const noexcept { return static_cast<HeapString*>(pointer()); }
  [[nodiscard]] bool points() const noexcept { return form() >= kFormHeap; }
  [[nodiscard]] StringForm string_form() const noexcept {
    return (meta_ & kRawForm) != 0 ? StringForm::kRaw : StringForm::kPlain;
  }
  [[nodiscard]] static Entry* make_string(std::string_view key, std::string_view value, StringForm form,
                                          std::optional<WallTime> expiry);
  [[nodiscard]] static Entry* make_heap(std::string_view key, HeapString* value, StringForm form,
                                        std::optional<WallTime> expiry);
  [[nodiscard]] static Entry* make_collection(std::string_view key, Type type, void* value,
                                              std::optional<WallTime> expiry);
  /// Sets form and size of the stored value, keeping alloc_size(); false when it cannot be expressed.
  [[nodiscard]] bool reshape(std::uint8_t form, std::size_t size) noexcept;

  std::uint8_t meta_;
  std::uint8_t key_size_;
  std::uint8_t slack_;  // unused bytes at the end
  std::uint8_t clock_[3];
  std::uint16_t value_size_;  // of an inline value; the Type of a collection
};
static_assert(sizeof(Entry) == 8);

}  // namespace ashlar::keyspace
