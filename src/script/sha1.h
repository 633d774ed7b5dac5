/// SHA-1 as scripts are named by it. Pure. Thread: any.
#pragma once

#include <array>
#include <string_view>

namespace ashlar::script {

/// 40 lower-case hex digits.
[[nodiscard]] std::array<char, 40> sha1_hex(std::string_view text);

}  // namespace ashlar::script
