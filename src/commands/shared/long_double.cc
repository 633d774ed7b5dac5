#include "commands/shared/long_double.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace ashlar::commands {
namespace {

/// Longest text that is read as a float, and room for the longest that is written: 4933 digits, a point and 17 more.
/// Source: the limit of Redis.
constexpr std::size_t kLongDoubleChars = 5 * 1024;

}  // namespace

std::optional<long double> parse_long_double(std::string_view text) {
  if (text.empty() || text.size() >= kLongDoubleChars) return std::nullopt;
  const char first = text.front();
  if (first == ' ' || (first >= '\t' && first <= '\r')) return std::nullopt;
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(terminated.c_str(), &end);
  if (end != terminated.c_str() + terminated.size()) return std::nullopt;
  const bool out_of_range = errno == ERANGE && (std::isinf(value) || std::fpclassify(value) == FP_ZERO);
  if (out_of_range || std::isnan(value)) return std::nullopt;
  return value;
}

std::string format_long_double(long double value) {
  std::string text(kLongDoubleChars, '\0');
  const int written = std::snprintf(text.data(), text.size(), "%.17Lf", value);
  text.resize(static_cast<std::size_t>(written));
  text.resize(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  if (text == "-0") text = "0";
  return text;
}

}  // namespace ashlar::commands
