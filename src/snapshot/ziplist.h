/// Reads the ziplist, the packed sequence that Redis wrote before 7.0 inside lists, hashes and sorted sets.
///
///     | total bytes (4, LE) | offset of the last entry (4) | count (2; 65535 = count them) | entry ... | 0xFF |
///     entry: | length of the entry before (1, or 0xFE and 4) | encoding | data |
///
/// Thread: any. Source: the ziplist of Redis 2.4 to 6.2, as found inside RDB files.
#pragma once

#include <string_view>

#include "base/error.h"
#include "ds/listpack.h"

namespace ashlar::snapshot {

/// The same values as a listpack. Everything is checked: sizes, every entry both ways, the count, the end mark.
/// Errors: kCorrupt. Cost: O(bytes).
[[nodiscard]] Result<ds::Listpack> listpack_of_ziplist(std::string_view blob);

}  // namespace ashlar::snapshot
