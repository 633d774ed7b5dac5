/// UTF-8 characters and the room they take on a terminal. Thread: any.
#pragma once

#include <cstddef>
#include <string_view>

namespace ashlar::cli {

/// Byte offset of the character after the one at `offset`, combining marks included; text.size() at the end. Bytes that
/// are no UTF-8 count as characters of their own.
[[nodiscard]] std::size_t next_character(std::string_view text, std::size_t offset) noexcept;
/// Byte offset of the character before `offset`; 0 at the beginning.
[[nodiscard]] std::size_t previous_character(std::string_view text, std::size_t offset) noexcept;
/// Columns that `text` takes: 2 for East Asian wide characters and emoji, 0 for combining marks, else 1.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

}  // namespace ashlar::cli
