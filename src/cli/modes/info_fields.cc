#include "cli/modes/info_fields.h"

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::cli {
namespace {

/// Calls `use(line)` for each line, without its end, until it returns false.
template <typename Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!use(line)) return;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool is_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string_view info_text(std::string_view info, std::string_view name) {
  std::string_view found;
  each_line(info, [&](std::string_view line) {
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ':') return true;
    found = line.substr(name.size() + 1);
    return false;
  });
  return found;
}

std::int64_t info_number(std::string_view info, std::string_view name) {
  return parse_i64(info_text(info, name)).value_or(0);
}

std::uint64_t info_key_count(std::string_view info) {
  std::uint64_t keys = 0;
  each_line(info, [&](std::string_view line) {
    if (!line.starts_with("db")) return true;
    const std::size_t colon = line.find(':', 2);
    if (colon == std::string_view::npos || !is_digits(line.substr(2, colon - 2))) return true;
    std::string_view fields = line.substr(colon + 1);
    if (fields.starts_with("keys=")) {
      fields.remove_prefix(5);
      keys += parse_u64(fields.substr(0, fields.find(','))).value_or(0);
    }
    return true;
  });
  return keys;
}

}  // namespace ashlar::cli
