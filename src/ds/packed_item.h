/// Short strings and integers as packed structures (listpack, packed pairs) encode them, one behind the other:
///
///     0xxxxxxx            integer 0..127              1110xxxx + 1  string up to 4095 bytes
///     10xxxxxx            string up to 63 bytes       11110000 + 4  string, length LE
///     110xxxxx + 1        integer of 13 bits          11110001 .. 11110100  integer of 2, 3, 4, 8 bytes LE
///
/// PackedValue is what is read. PackedItem is a value already encoded: building one from text decides whether it is an
/// integer, so that comparing is comparing bytes. Thread: none of its own; the owner of the structure locks.
/// Source: the entries of the listpack of Redis 7.0, as found inside RDB files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ashlar::ds {

/// A value read from a packed structure: an integer, or bytes inside it (valid until it changes). 16 bytes, by value.
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

/// A value as it stands (or would stand) in a packed structure, for inserting and for searching. Refers to the text it
/// was made from, which must outlive it and must not lie inside the structure that is changed with it.
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
  /// Whether a value read elsewhere is this one.
  [[nodiscard]] bool same_as(const PackedValue& value) const noexcept {
    if (value.is_integer() != integer_) return false;
    return integer_ ? value.integer() == number_ : value.bytes() == body_;
  }

  [[nodiscard]] std::size_t encoded_bytes() const noexcept { return head_size_ + body_.size(); }
  /// Bytes of it as an entry of a listpack: with the backward length.
  [[nodiscard]] std::size_t entry_bytes() const noexcept;
  /// Writes encoded_bytes() bytes.
  void write(std::uint8_t* at) const noexcept {
    std::memcpy(at, head_.data(), head_size_);
    if (!body_.empty()) std::memcpy(at + head_size_, body_.data(), body_.size());
  }

  /// Whether the value that stands encoded at `at` is this one. Formats nothing.
  [[nodiscard]] bool stands_at(const std::uint8_t* at) const noexcept {
    return *at == head_[0] && std::memcmp(at, head_.data(), head_size_) == 0 &&
           (body_.empty() || std::memcmp(at + head_size_, body_.data(), body_.size()) == 0);
  }
  /// The first value that is this one at `at`, next(at), next(next(at)) and so on before `end`; `end` when none is.
  template <typename Next>
  [[nodiscard]] const std::uint8_t* search(const std::uint8_t* at, const std::uint8_t* end, Next&& next) const noexcept;

 private:
  void encode_integer(std::int64_t number) noexcept;
  void encode_string(std::string_view text) noexcept;

  std::array<std::uint8_t, 9> head_{};
  std::uint8_t head_size_ = 0;
  bool integer_ = false;
  std::int64_t number_ = 0;
  std::string_view body_;
};

namespace detail {
/// First bytes of encoded values; those of shorter strings and integers hold a part of the value.
inline constexpr std::uint8_t kString32 = 0xF0;
inline constexpr std::uint8_t kInt16 = 0xF1;
inline constexpr std::uint8_t kInt24 = 0xF2;
inline constexpr std::uint8_t kInt32 = 0xF3;
inline constexpr std::uint8_t kInt64 = 0xF4;

/// Encoded size by the first byte, where that byte tells; 0 for the two longer string forms and for what is no value.
inline constexpr std::array<std::uint8_t, 256> kEncodedSize = [] {
  std::array<std::uint8_t, 256> size{};
  for (std::size_t b = 0; b < 256; ++b) {
    if (b < 0x80) {
      size[b] = 1;
    } else if (b < 0xC0) {
      size[b] = static_cast<std::uint8_t>(1 + (b & 63));
    } else if (b < 0xE0) {
      size[b] = 2;
    }
  }
  size[kInt16] = 3;
  size[kInt24] = 4;
  size[kInt32] = 5;
  size[kInt64] = 9;
  return size;
}();

/// Encoded size of one of the two longer string forms.
[[nodiscard]] inline std::size_t long_string_bytes(const std::uint8_t* at) noexcept {
  if (*at == kString32) return 5 + std::size_t{load_le<std::uint32_t>(at + 1)};
  return 2 + (std::size_t{at[0]} & 15) * 256 + at[1];
}

/// decode_packed() of what is neither a short string nor a small integer.
const std::uint8_t* decode_long_packed(const std::uint8_t* at, PackedValue& value) noexcept;
}  // namespace detail

/// Encoded size of the value at `at`.
[[nodiscard]] inline std::size_t packed_value_bytes(const std::uint8_t* at) noexcept {
  const std::size_t size = detail::kEncodedSize[*at];
  return size != 0 ? size : detail::long_string_bytes(at);
}

/// The same for bytes that nobody has checked, of which `left` may be read; nullopt when there is no value or it does
/// not fit.
[[nodiscard]] std::optional<std::size_t> checked_packed_value_bytes(const std::uint8_t* at, std::size_t left) noexcept;

/// Reads the value at `at`, returns what is behind it.
inline const std::uint8_t* decode_packed(const std::uint8_t* at, PackedValue& value) noexcept {
  const std::uint8_t b = *at;
  if (b < 0x80) {
    value = PackedValue(std::int64_t{b});
    return at + 1;
  }
  if (b >= 0xC0) return detail::decode_long_packed(at, value);
  const std::size_t size = b & 63U;
  value = PackedValue(std::string_view(reinterpret_cast<const char*>(at) + 1, size));
  return at + 1 + size;
}

template <typename Next>
const std::uint8_t* PackedItem::search(const std::uint8_t* at, const std::uint8_t* end, Next&& next) const noexcept {
  // Where the first byte tells the length, most that are as long are told apart by their last byte, without a call.
  const bool length_is_known = body_.empty() || head_size_ == 1;
  const std::size_t last = length_is_known ? encoded_bytes() - 1 : 0;
  const std::uint8_t last_byte = body_.empty() || last == 0 ? head_[last] : static_cast<std::uint8_t>(body_.back());
  for (; at != end; at = next(at)) {
    if (*at == head_[0] && at[last] == last_byte && stands_at(at)) return at;
  }
  return end;
}

}  // namespace ashlar::ds
