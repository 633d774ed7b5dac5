/// Patterns and numbers from clients: the first byte splits the input into pattern and text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto pattern = rest.substr(0, data[0]);
  const auto text = rest.substr(pattern.size());
  static_cast<void>(ashlar::glob_match(pattern, text));
  static_cast<void>(ashlar::glob_match(pattern, text, ashlar::Case::kInsensitive));

  // A text with every byte escaped is a pattern for exactly itself.
  std::string escaped;
  for (const char c : text) escaped.append({'\\', c});
  ASH_CHECK(ashlar::glob_match(escaped, text));
  ASH_CHECK(!ashlar::glob_match(escaped + "?", text));

  // What one of the number readers accepts is written back as the very same text.
  if (const auto number = ashlar::parse_i64(text)) {
    ashlar::DecimalBuffer buffer;
    ASH_CHECK(ashlar::format_i64(*number, buffer) == text);
  }
  static_cast<void>(ashlar::parse_double(text));
  static_cast<void>(ashlar::parse_memory(text));
  return 0;
}
