#include "commands/bitmap/bits.h"

#include <gtest/gtest.h>

#include <string>

#include "base/rng.h"

namespace ashlar::commands {
namespace {

bool bit_of(std::string_view bytes, std::uint64_t i) {
  return i / 8 < bytes.size() && (static_cast<std::uint8_t>(bytes[i / 8]) >> (7 - i % 8) & 1) != 0;
}
std::string random_bytes(Rng& rng, std::size_t size, double ones) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size * 8; ++i) {
    if (rng.chance(ones)) bytes[i / 8] = static_cast<char>(bytes[i / 8] | (1 << (7 - i % 8)));
  }
  return bytes;
}

TEST(Bits, CountsAndFindsLikeALookAtEveryBit) {
  Rng rng(1);
  for (int round = 0; round < 400; ++round) {
    const std::string bytes = random_bytes(rng, 1 + rng.below(300),
                                           round % 4 == 0   ? 0.001
                                           : round % 4 == 1 ? 0.999
                                                            : 0.5);
    std::uint64_t first = rng.below(bytes.size() * 8);
    std::uint64_t last = rng.below(bytes.size() * 8);
    if (first > last) std::swap(first, last);
    std::uint64_t count = 0;
    std::optional<std::uint64_t> set;
    std::optional<std::uint64_t> clear;
    for (std::uint64_t i = first; i <= last; ++i) {
      if (bit_of(bytes, i)) {
        ++count;
        if (!set) set = i;
      } else if (!clear) {
        clear = i;
      }
    }
    ASSERT_EQ(count_bits(bytes, {first, last}), count);
    ASSERT_EQ(find_bit(bytes, Bit::kSet, {first, last}), set);
    ASSERT_EQ(find_bit(bytes, Bit::kClear, {first, last}), clear);
  }
}
TEST(Bits, CountsTheWholeOfLongTexts) {
  EXPECT_EQ(count_bits(std::string(100'000, '\xFF')), 800'000U);
  EXPECT_EQ(count_bits(""), 0U);
}
TEST(Bits, ReadsAndWritesFieldsOfEveryWidthAndOffset) {
  Rng rng(2);
  for (unsigned width = 1; width <= 64; ++width) {
    for (std::uint64_t offset = 0; offset < 20; ++offset) {
      std::string bytes = random_bytes(rng, 12, 0.5);
      const std::string before = bytes;
      const std::uint64_t value = rng.next();
      write_bits(bytes.data(), bytes.size(), offset, width, value);
      ASSERT_EQ(read_bits(bytes, offset, width), width == 64 ? value : value & ((std::uint64_t{1} << width) - 1));
      for (std::uint64_t i = 0; i < 96; ++i) {
        ASSERT_TRUE((i >= offset && i < offset + width) || bit_of(bytes, i) == bit_of(before, i));
      }
    }
  }
}
TEST(Bits, ReadsZerosBehindTheEnd) {
  EXPECT_EQ(read_bits("\xFF", 4, 8), 0xF0U);
  EXPECT_EQ(read_bits("\xFF", 1000, 64), 0U);
}

}  // namespace
}  // namespace ashlar::commands
