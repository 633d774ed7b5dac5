#include "commands/bitmap/bits.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/bytes.h"
#include "base/check.h"

namespace ashlar::commands {
namespace {

constexpr std::uint64_t kWordBytes = 8;

std::uint8_t byte_at(std::string_view bytes, std::uint64_t i) noexcept { return static_cast<std::uint8_t>(bytes[i]); }

/// Masks of the bits of the first and the last byte that belong to the range.
std::uint8_t head_mask(BitRange range) noexcept { return static_cast<std::uint8_t>(0xFF >> (range.first & 7)); }
std::uint8_t tail_mask(BitRange range) noexcept { return static_cast<std::uint8_t>(0xFF << (7 - (range.last & 7))); }

/// The first bit that is set in `byte`, from the highest.
std::uint64_t first_set(std::uint8_t byte) noexcept { return static_cast<std::uint64_t>(std::countl_zero(byte)); }

}  // namespace

std::uint64_t count_bits(std::string_view bytes) noexcept {
  // Four sums, so that no addition waits for the one before.
  std::array<std::uint64_t, 4> sums{};
  std::size_t i = 0;
  for (; i + sums.size() * kWordBytes <= bytes.size(); i += sums.size() * kWordBytes) {
    for (std::size_t k = 0; k < sums.size(); ++k) {
      sums[k] += static_cast<std::uint64_t>(std::popcount(load_le<std::uint64_t>(bytes.data() + i + k * kWordBytes)));
    }
  }
  for (; i < bytes.size(); ++i) sums[0] += static_cast<std::uint64_t>(std::popcount(byte_at(bytes, i)));
  return sums[0] + sums[1] + sums[2] + sums[3];
}

std::uint64_t count_bits(std::string_view bytes, BitRange range) noexcept {
  const std::uint64_t from = range.first / 8;
  const std::uint64_t to = range.last / 8;
  std::uint64_t count = count_bits(bytes.substr(from, to - from + 1));
  count -=
      static_cast<std::uint64_t>(std::popcount(static_cast<std::uint8_t>(byte_at(bytes, from) & ~head_mask(range))));
  count -= static_cast<std::uint64_t>(std::popcount(static_cast<std::uint8_t>(byte_at(bytes, to) & ~tail_mask(range))));
  return count;
}

std::optional<std::uint64_t> find_bit(std::string_view bytes, Bit wanted, BitRange range) noexcept {
  const std::uint64_t from = range.first / 8;
  const std::uint64_t to = range.last / 8;
  const std::uint8_t flip = wanted == Bit::kSet ? 0 : 0xFF;  // then a set bit is looked for in any case
  const auto at = [&](std::uint64_t i) {
    auto byte = static_cast<std::uint8_t>(byte_at(bytes, i) ^ flip);
    if (i == from) byte &= head_mask(range);
    if (i == to) byte &= tail_mask(range);
    return byte;
  };
  if (const std::uint8_t byte = at(from)) return from * 8 + first_set(byte);
  std::uint64_t i = from + 1;
  const std::uint64_t dull = wanted == Bit::kSet ? 0 : ~std::uint64_t{0};
  while (i + kWordBytes <= to && load_le<std::uint64_t>(bytes.data() + i) == dull) i += kWordBytes;
  for (; i <= to; ++i) {
    if (const std::uint8_t byte = at(i)) return i * 8 + first_set(byte);
  }
  return std::nullopt;
}

std::uint64_t read_bits(std::string_view bytes, std::uint64_t offset, unsigned width) noexcept {
  ASH_DCHECK(width >= 1 && width <= 64);
  const std::uint64_t from = offset / 8;
  const auto skip = static_cast<unsigned>(offset & 7);
  // At most nine bytes hold the field: eight in `high`, one in `low`.
  std::uint64_t high = 0;
  for (std::uint64_t i = from; i < from + kWordBytes; ++i)
    high = high << 8 | (i < bytes.size() ? byte_at(bytes, i) : 0);
  const std::uint64_t low = from + kWordBytes < bytes.size() ? byte_at(bytes, from + kWordBytes) : 0;
  const std::uint64_t aligned = skip == 0 ? high : high << skip | low >> (8 - skip);
  return aligned >> (64 - width);
}

void write_bits(char* bytes, std::size_t size, std::uint64_t offset, unsigned width, std::uint64_t value) noexcept {
  ASH_CHECK(width >= 1 && width <= 64 && offset / 8 < size && (offset + width - 1) / 8 < size);
  std::uint64_t bit = offset + width;  // behind the field; bytes are filled from the last one on
  while (bit > offset) {
    const std::uint64_t byte = (bit - 1) / 8;
    const std::uint64_t begin = std::max(offset, byte * 8);
    const auto count = static_cast<unsigned>(bit - begin);
    const auto shift = static_cast<unsigned>(byte * 8 + 8 - bit);
    const auto mask = static_cast<std::uint8_t>(((1U << count) - 1) << shift);
    const auto part = static_cast<std::uint8_t>(value << shift & mask);
    bytes[byte] = static_cast<char>((static_cast<std::uint8_t>(bytes[byte]) & ~mask) | part);
    value >>= count;
    bit = begin;
  }
}

}  // namespace ashlar::commands
