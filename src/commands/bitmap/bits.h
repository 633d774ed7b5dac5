/// Bits of byte strings, counted from the highest bit of the first byte. Pure. Thread: any. Cost: a word at a time.
/// Source: the numbering of SETBIT.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ashlar::commands {

enum class Bit : std::uint8_t { kClear, kSet };

/// A range of bits, `last` included; first <= last, both inside the text they are used with.
struct BitRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Bits that are set.
[[nodiscard]] std::uint64_t count_bits(std::string_view bytes) noexcept;
[[nodiscard]] std::uint64_t count_bits(std::string_view bytes, BitRange range) noexcept;
/// The first bit of that value in the range.
[[nodiscard]] std::optional<std::uint64_t> find_bit(std::string_view bytes, Bit wanted, BitRange range) noexcept;

/// `width` bits (1..64) from `offset` on as a number; bits behind the end are zero.
[[nodiscard]] std::uint64_t read_bits(std::string_view bytes, std::uint64_t offset, unsigned width) noexcept;
/// Writes the low `width` bits (1..64) of `value`; all of them lie inside the `size` bytes.
void write_bits(char* bytes, std::size_t size, std::uint64_t offset, unsigned width, std::uint64_t value) noexcept;

}  // namespace ashlar::commands
