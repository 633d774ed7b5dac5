#include "ds/packed_item.h"

#include <limits>
#include <tuple>

#include "base/check.h"

namespace ashlar::ds {

using detail::kInt16;
using detail::kInt24;
using detail::kInt32;
using detail::kInt64;
using detail::kString32;

PackedItem::PackedItem(std::string_view text) noexcept {
  // Longer text is no 64-bit integer; most text is told apart by its first byte.
  if (!text.empty() && text.size() <= 20 && text[0] <= '9') {
    if (const auto number = parse_i64(text)) {
      encode_integer(*number);
      return;
    }
  }
  encode_string(text);
}

PackedItem::PackedItem(std::int64_t number) noexcept { encode_integer(number); }

void PackedItem::encode_integer(std::int64_t number) noexcept {
  integer_ = true;
  number_ = number;
  const auto bits = static_cast<std::uint64_t>(number);
  const auto fits = [number](unsigned width) {
    return number >= -(std::int64_t{1} << (width - 1)) && number < (std::int64_t{1} << (width - 1));
  };
  if (number >= 0 && number <= 127) {
    head_[0] = static_cast<std::uint8_t>(number);
    head_size_ = 1;
    return;
  }
  if (fits(13)) {
    head_[0] = static_cast<std::uint8_t>(0xC0 | (bits >> 8 & 0x1F));
    head_[1] = static_cast<std::uint8_t>(bits);
    head_size_ = 2;
    return;
  }
  std::tie(head_[0], head_size_) = fits(16)   ? std::tuple(kInt16, std::uint8_t{3})
                                   : fits(24) ? std::tuple(kInt24, std::uint8_t{4})
                                   : fits(32) ? std::tuple(kInt32, std::uint8_t{5})
                                              : std::tuple(kInt64, std::uint8_t{9});
  store_le(head_.data() + 1, bits);  // what lies behind head_size_ is not used
}

void PackedItem::encode_string(std::string_view text) noexcept {
  ASH_CHECK(text.size() <= std::numeric_limits<std::uint32_t>::max() - 16);
  body_ = text;
  if (text.size() < 64) {
    head_[0] = static_cast<std::uint8_t>(0x80 | text.size());
    head_size_ = 1;
  } else if (text.size() < 4096) {
    head_[0] = static_cast<std::uint8_t>(0xE0 | text.size() >> 8);
    head_[1] = static_cast<std::uint8_t>(text.size());
    head_size_ = 2;
  } else {
    head_[0] = kString32;
    store_le(head_.data() + 1, static_cast<std::uint32_t>(text.size()));
    head_size_ = 5;
  }
}

std::optional<std::size_t> checked_packed_value_bytes(const std::uint8_t* at, std::size_t left) noexcept {
  if (left == 0) return std::nullopt;
  std::size_t n = detail::kEncodedSize[*at];
  if (n == 0) {
    const bool string32 = *at == kString32;
    if (!string32 && (*at & 0xF0) != 0xE0) return std::nullopt;
    if (left < (string32 ? 5U : 2U)) return std::nullopt;
    n = detail::long_string_bytes(at);
  }
  return n <= left ? std::optional(n) : std::nullopt;
}

const std::uint8_t* detail::decode_long_packed(const std::uint8_t* at, PackedValue& value) noexcept {
  const std::uint8_t b = *at;
  const auto number_is = [&](std::int64_t number, std::size_t encoded) {
    value = PackedValue(number);
    return at + encoded;
  };
  if (b < 0xE0) {
    const auto bits = static_cast<std::uint16_t>((static_cast<unsigned>(b) << 8 | at[1]) << 3);
    return number_is(static_cast<std::int16_t>(bits) >> 3, 2);
  }
  if (b <= kString32) {
    const std::size_t head = b == kString32 ? 5 : 2;
    value = PackedValue(std::string_view(reinterpret_cast<const char*>(at) + head, long_string_bytes(at) - head));
    return at + long_string_bytes(at);
  }
  switch (b) {
    case kInt16: return number_is(static_cast<std::int16_t>(load_le<std::uint16_t>(at + 1)), 3);
    case kInt24: {
      const std::uint32_t bits = static_cast<std::uint32_t>(at[1]) << 8 | static_cast<std::uint32_t>(at[2]) << 16 |
                                 static_cast<std::uint32_t>(at[3]) << 24;
      return number_is(static_cast<std::int32_t>(bits) >> 8, 4);
    }
    case kInt32: return number_is(static_cast<std::int32_t>(load_le<std::uint32_t>(at + 1)), 5);
    default: ASH_DCHECK(b == kInt64); return number_is(static_cast<std::int64_t>(load_le<std::uint64_t>(at + 1)), 9);
  }
}

}  // namespace ashlar::ds
