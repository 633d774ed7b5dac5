#include "cli/line_editor/text_width.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ashlar::cli {
namespace {

struct CodePoint {
  std::uint32_t value;
  std::size_t bytes;
};

/// The character at `offset`, which is inside the text. A byte that begins no valid sequence is a character by itself.
CodePoint decode(std::string_view text, std::size_t offset) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(offset);
  std::size_t length = 1;
  std::uint32_t value = lead;
  if (lead >= 0xc2 && lead < 0xe0) {
    length = 2;
    value = lead & 0x1fU;
  } else if (lead >= 0xe0 && lead < 0xf0) {
    length = 3;
    value = lead & 0x0fU;
  } else if (lead >= 0xf0 && lead < 0xf5) {
    length = 4;
    value = lead & 0x07U;
  }
  if (length > text.size() - offset) return {lead, 1};
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(offset + i) & 0xc0U) != 0x80U) return {lead, 1};
    value = value << 6 | (at(offset + i) & 0x3fU);
  }
  return {value, length};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Source: Unicode general category Mn/Me and zero-width joiners, the blocks that people type.
constexpr std::array<Range, 10> kZeroWidth = {{{0x0300, 0x036f},
                                               {0x0483, 0x0489},
                                               {0x0591, 0x05bd},
                                               {0x0610, 0x061a},
                                               {0x064b, 0x065f},
                                               {0x1ab0, 0x1aff},
                                               {0x1dc0, 0x1dff},
                                               {0x200b, 0x200f},
                                               {0x20d0, 0x20ff},
                                               {0xfe00, 0xfe0f}}};
// Source: Unicode East Asian Width W and F, merged to blocks.
constexpr std::array<Range, 10> kDoubleWidth = {{{0x1100, 0x115f},
                                                 {0x2e80, 0x303e},
                                                 {0x3041, 0x33ff},
                                                 {0x3400, 0x4dbf},
                                                 {0x4e00, 0xa4cf},
                                                 {0xac00, 0xd7a3},
                                                 {0xf900, 0xfaff},
                                                 {0xff00, 0xff60},
                                                 {0x1f300, 0x1faff},
                                                 {0x20000, 0x3fffd}}};

template <std::size_t N>
bool in_any(const std::array<Range, N>& ranges, std::uint32_t c) {
  return std::ranges::any_of(ranges, [c](Range r) { return c >= r.first && c <= r.last; });
}

std::size_t width_of(std::uint32_t c) {
  if (in_any(kZeroWidth, c)) return 0;
  return in_any(kDoubleWidth, c) ? 2 : 1;
}

}  // namespace

std::size_t next_character(std::string_view text, std::size_t offset) noexcept {
  if (offset >= text.size()) return text.size();
  offset += decode(text, offset).bytes;
  while (offset < text.size()) {
    const CodePoint c = decode(text, offset);
    if (width_of(c.value) != 0) break;
    offset += c.bytes;
  }
  return offset;
}

std::size_t previous_character(std::string_view text, std::size_t offset) noexcept {
  // Lines are short; walking from the start needs no second decoder.
  std::size_t at = 0;
  std::size_t before = 0;
  while (at < offset && at < text.size()) {
    before = at;
    at = next_character(text, at);
  }
  return before;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode(text, at);
    width += width_of(c.value);
    at += c.bytes;
  }
  return width;
}

}  // namespace ashlar::cli
