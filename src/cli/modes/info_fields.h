/// Numbers out of the text of INFO. Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

namespace ashlar::cli {

/// Text of the line "name:text"; empty when there is no such line.
[[nodiscard]] std::string_view info_text(std::string_view info, std::string_view name);
/// The same as a number; 0 when it is none.
[[nodiscard]] std::int64_t info_number(std::string_view info, std::string_view name);
/// Sum of the keys of all databases ("db0:keys=12,expires=0,...").
[[nodiscard]] std::uint64_t info_key_count(std::string_view info);

}  // namespace ashlar::cli
