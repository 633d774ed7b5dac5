/// FUNCTION DUMP and RESTORE: function libraries as an RDB file holds them, with version and checksum behind.
/// Thread: any. Source: docs/formats/rdb.md, "DUMP payload".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar::snapshot {

[[nodiscard]] std::string dump_functions(const std::vector<std::string_view>& codes);
/// The codes in a payload. Errors, both for the client: "DUMP payload version or checksum are wrong"; what does not
/// belong there.
[[nodiscard]] Result<std::vector<std::string>> restore_functions(std::string_view payload);

}  // namespace ashlar::snapshot
