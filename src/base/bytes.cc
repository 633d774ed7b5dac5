#include "base/bytes.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "base/double_text.h"

namespace ashlar {

std::optional<std::uint64_t> parse_u64(std::string_view text) noexcept {
  if (text.empty() || text.size() > 20) return std::nullopt;
  if (text[0] == '0') return text.size() == 1 ? std::optional<std::uint64_t>(0) : std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

std::optional<std::int64_t> parse_i64(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  const auto magnitude = parse_u64(text);
  if (!magnitude) return std::nullopt;
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!negative) return *magnitude <= kMax ? std::optional(static_cast<std::int64_t>(*magnitude)) : std::nullopt;
  if (*magnitude == 0 || *magnitude > kMax + 1) return std::nullopt;
  return static_cast<std::int64_t>(0 - *magnitude);
}

namespace {

/// What follows "0x", if it can be a number; std::from_chars() wants it without, but would take another sign or "inf".
std::string_view hexadecimal_part(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '0' || (text[1] | 0x20) != 'x') return {};
  const bool number = std::isxdigit(static_cast<unsigned char>(text[2])) != 0 || text[2] == '.';
  return number ? text.substr(2) : std::string_view{};
}

}  // namespace

std::optional<double> parse_double(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 * 1024) return std::nullopt;
  std::string_view rest = text;
  if (rest[0] == '+') rest.remove_prefix(1);
  if (rest.empty() || (text[0] == '+' && rest[0] == '-')) return std::nullopt;
  const bool negative = rest[0] == '-';
  auto format = std::chars_format::general;
  if (const std::string_view digits = hexadecimal_part(rest.substr(negative ? 1 : 0)); !digits.empty()) {
    rest = digits;
    format = std::chars_format::hex;
  }
  double value = 0;
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), value, format);
  if (end != rest.data() + rest.size()) return std::nullopt;
  if (ec == std::errc::result_out_of_range) return std::nullopt;
  if (ec != std::errc{} || std::isnan(value)) return std::nullopt;
  return format == std::chars_format::hex && negative ? -value : value;
}

std::string_view format_i64(std::int64_t v, DecimalBuffer& buffer) noexcept {
  const auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v);
  return {buffer.data(), static_cast<std::size_t>(end - buffer.data())};
}

namespace {

/// The digits that tell a finite double other than 0 from all others, and the decimal exponent of the first one.
struct Decimal {
  std::array<char, 32> text;  // "d.ddde+xx", then the digits alone in front
  std::size_t digits = 0;
  int exponent = 0;
};

Decimal decimal_of(double magnitude) noexcept {
  Decimal d;
  char* const first = d.text.data();
  const char* const end = std::to_chars(first, first + d.text.size(), magnitude, std::chars_format::scientific).ptr;
  const char* e = end - 1;
  while (*e != 'e') --e;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, d.exponent);
  for (const char* p = first; p != e; ++p) {
    if (*p != '.') d.text[d.digits++] = *p;
  }
  return d;
}

char* put(char* to, const char* bytes, std::size_t n) noexcept { return std::copy_n(bytes, n, to); }

/// Plain while that is short, else with an exponent. Source: where Redis 7.2 draws the line.
char* put_decimal(char* to, const Decimal& d) noexcept {
  const char* const digits = d.text.data();
  const int count = static_cast<int>(d.digits);
  const int zeros = d.exponent - (count - 1);  // behind the digits; negative: digits behind the point
  const int distance = std::abs(d.exponent);
  if (zeros >= 0 && distance < count + 7) return std::fill_n(put(to, digits, d.digits), zeros, '0');
  if (zeros < 0 && (zeros > -7 || distance < 4)) {
    const int before = count + zeros;  // digits before the point
    if (before <= 0) {
      to = std::fill_n(put(to, "0.", 2), -before, '0');
      return put(to, digits, d.digits);
    }
    to = put(to, digits, static_cast<std::size_t>(before));
    *to++ = '.';
    return put(to, digits + before, d.digits - static_cast<std::size_t>(before));
  }
  *to++ = digits[0];
  if (count > 1) {
    *to++ = '.';
    to = put(to, digits + 1, d.digits - 1);
  }
  *to++ = 'e';
  *to++ = d.exponent < 0 ? '-' : '+';
  return std::to_chars(to, to + 4, distance).ptr;
}

}  // namespace

std::string_view format_double(double v, DoubleBuffer& buffer) noexcept {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  if (v == 0) return std::signbit(v) ? "-0" : "0";
  char* const first = buffer.data();
  const auto view_to = [&](const char* end) { return std::string_view(first, static_cast<std::size_t>(end - first)); };
  if (std::fabs(v) < 0x1p62 && v == std::trunc(v)) {
    return view_to(std::to_chars(first, first + buffer.size(), static_cast<std::int64_t>(v)).ptr);
  }
  char* to = first;
  if (v < 0) *to++ = '-';
  return view_to(put_decimal(to, decimal_of(std::fabs(v))));
}

std::string format_double(double v) {
  DoubleBuffer buffer;
  return std::string(format_double(v, buffer));
}

std::optional<std::uint64_t> parse_memory(std::string_view text) noexcept {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0) return std::nullopt;
  const std::string_view unit = text.substr(digits);
  std::uint64_t factor = 0;
  if (unit.empty() || iequals(unit, "b")) factor = 1;
  if (iequals(unit, "k")) factor = 1'000;
  if (iequals(unit, "kb")) factor = 1'024;
  if (iequals(unit, "m")) factor = 1'000'000;
  if (iequals(unit, "mb")) factor = 1'024 * 1'024;
  if (iequals(unit, "g")) factor = 1'000'000'000;
  if (iequals(unit, "gb")) factor = 1'024ULL * 1'024 * 1'024;
  if (factor == 0) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(0, digits)) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
  return value * factor;
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array<char, 6> kUnits = {'K', 'M', 'G', 'T', 'P', 'E'};
  if (bytes < 1024) return std::to_string(bytes) + "B";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (value /= 1024; value >= 1024 && unit + 1 < kUnits.size(); value /= 1024) ++unit;
  std::array<char, 32> buffer{};
  const int n = std::snprintf(buffer.data(), buffer.size(), "%.2f%c", value, kUnits[unit]);
  return {buffer.data(), static_cast<std::size_t>(n)};
}

char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

namespace {

char fold(char c, Case mode) noexcept { return mode == Case::kInsensitive ? to_lower(c) : c; }

/// Matches one character against the class that starts at pattern[i] (just behind '['); moves i behind the class.
bool class_matches(std::string_view pattern, std::size_t& i, char c, Case mode) noexcept {
  bool negated = false;
  if (i < pattern.size() && pattern[i] == '^') {
    negated = true;
    ++i;
  }
  bool matched = false;
  while (i < pattern.size() && pattern[i] != ']') {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      ++i;
      matched |= fold(pattern[i], mode) == c;
      ++i;
    } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
      auto low = static_cast<unsigned char>(fold(pattern[i], mode));
      auto high = static_cast<unsigned char>(fold(pattern[i + 2], mode));
      if (low > high) std::swap(low, high);
      const auto byte = static_cast<unsigned char>(c);
      matched |= byte >= low && byte <= high;
      i += 3;
    } else {
      matched |= fold(pattern[i], mode) == c;
      ++i;
    }
  }
  if (i < pattern.size()) ++i;  // the ']'; an unclosed class ends with the pattern
  return matched != negated;
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text, Case mode) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*': on a mismatch it swallows one character more
  std::size_t star_text = 0;
  while (t < text.size()) {
    bool ok = false;
    if (p < pattern.size()) {
      const char c = fold(text[t], mode);
      switch (pattern[p]) {
        case '*':
          star = p++;
          star_text = t;
          continue;
        case '?':
          ++p;
          ok = true;
          break;
        case '[': {
          std::size_t after = p + 1;
          ok = class_matches(pattern, after, c, mode);
          if (ok) p = after;
          break;
        }
        case '\\':
          if (p + 1 < pattern.size()) {
            ok = fold(pattern[p + 1], mode) == c;
            if (ok) p += 2;
            break;
          }
          [[fallthrough]];
        default:
          ok = fold(pattern[p], mode) == c;
          if (ok) ++p;
      }
    }
    if (ok) {
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t previous = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = previous;
    }
  }
  return row[b.size()];
}

std::string quoted(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : bytes) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '"': out += "\\\""; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\a': out += "\\a"; break;
      case '\b': out += "\\b"; break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
          out += c;
        } else {
          out += "\\x";
          out += kHex[byte >> 4];
          out += kHex[byte & 15];
        }
      }
    }
  }
  out += '"';
  return out;
}

namespace {

constexpr auto kCrc64Tables = [] {
  std::array<std::array<std::uint64_t, 256>, 8> t{};
  constexpr std::uint64_t kReflected = 0x95ac9329ac4bc9b5ULL;  // 0xad93d23594c935a9 with its bits mirrored
  for (std::uint64_t b = 0; b < 256; ++b) {
    std::uint64_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflected : 0);
    t[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xff];
  }
  return t;
}();

}  // namespace

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept {
  const char* p = bytes.data();
  std::size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    const std::uint64_t x = crc ^ load_le<std::uint64_t>(p);
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= kCrc64Tables[7 - k][(x >> (8 * k)) & 0xff];
  }
  for (; n > 0; --n, ++p) crc = (crc >> 8) ^ kCrc64Tables[0][(crc ^ static_cast<unsigned char>(*p)) & 0xff];
  return crc;
}

}  // namespace ashlar
