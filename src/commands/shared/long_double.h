/// Numbers as INCRBYFLOAT and HINCRBYFLOAT read and write them. Pure. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ashlar::commands {

/// The whole text as the C library reads a long double, so hexadecimal and "inf" too; no leading blank, no nan.
[[nodiscard]] std::optional<long double> parse_long_double(std::string_view text);
/// Fixed notation with up to 17 decimals and no zeros at its end: "3", "10.5", "5000".
[[nodiscard]] std::string format_long_double(long double value);

}  // namespace ashlar::commands
