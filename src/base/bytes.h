/// Numbers in bytes and in text: endian loads and stores, strict decimal parsing, glob matching, CRC64.
/// Thread: any. Nothing allocates unless it returns a string.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace ashlar {

template <std::unsigned_integral T>
[[nodiscard]] inline T load_le(const void* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::big) v = std::byteswap(v);
  return v;
}
template <std::unsigned_integral T>
[[nodiscard]] inline T load_be(const void* p) noexcept {
  T v;
  std::memcpy(&v, p, sizeof v);
  if constexpr (std::endian::native == std::endian::little) v = std::byteswap(v);
  return v;
}
template <std::unsigned_integral T>
inline void store_le(void* p, T v) noexcept {
  if constexpr (std::endian::native == std::endian::big) v = std::byteswap(v);
  std::memcpy(p, &v, sizeof v);
}
template <std::unsigned_integral T>
inline void store_be(void* p, T v) noexcept {
  if constexpr (std::endian::native == std::endian::little) v = std::byteswap(v);
  std::memcpy(p, &v, sizeof v);
}

/// The integer that `text` spells in its one canonical way: optional '-', no '+', no leading zero, no blank, no
/// overflow. This is the test by which Redis decides that a string is an integer.
[[nodiscard]] std::optional<std::int64_t> parse_i64(std::string_view text) noexcept;
/// The same without a sign, 0..2^64-1.
[[nodiscard]] std::optional<std::uint64_t> parse_u64(std::string_view text) noexcept;
/// A finite or infinite floating-point number, decimal or hexadecimal ("0x1p4"), the whole text, no blanks; nan is
/// refused.
[[nodiscard]] std::optional<double> parse_double(std::string_view text) noexcept;

/// Room for any 64-bit decimal with sign.
using DecimalBuffer = std::array<char, 24>;
/// Decimal digits of `v` inside `buffer`; the view lives as long as the buffer.
[[nodiscard]] std::string_view format_i64(std::int64_t v, DecimalBuffer& buffer) noexcept;
/// Shortest text that reads back as the same double, as Redis prints doubles ("3", "0.1", "1e+20", "inf", "-inf",
/// "nan").
[[nodiscard]] std::string format_double(double v);

/// "1024", "1kb", "2gb", "3mb", "10k" (powers of 1024 with b, of 1000 without). nullopt on a bad unit or overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_memory(std::string_view text) noexcept;
/// "1.50M" as in the *_human fields of INFO.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

enum class Case : std::uint8_t { kSensitive, kInsensitive };
/// Redis glob: * ? [a-z] [^a] and backslash. Bounded: cost at most |pattern| * |text| steps.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text, Case mode = Case::kSensitive) noexcept;

[[nodiscard]] char to_lower(char c) noexcept;
[[nodiscard]] std::string to_lower(std::string_view text);
/// ASCII case-insensitive equality.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
/// Number of single-character edits between two short names; for "did you mean".
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// `bytes` as a double-quoted string with \xHH, \n, \r, \t, \a, \b, \" and \\ escapes, as redis-cli prints it.
[[nodiscard]] std::string quoted(std::string_view bytes);

/// CRC64 "Jones" as in RDB files and DUMP payloads: polynomial 0xad93d23594c935a9, reflected, start 0.
[[nodiscard]] std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept;

}  // namespace ashlar
