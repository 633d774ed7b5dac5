/// format_double() without an allocation. Thread: any.
#pragma once

#include <array>
#include <string_view>

namespace ashlar {

/// Room for any double.
using DoubleBuffer = std::array<char, 40>;
/// The text of format_double(v) inside `buffer`; the view lives as long as the buffer.
[[nodiscard]] std::string_view format_double(double v, DoubleBuffer& buffer) noexcept;

}  // namespace ashlar
