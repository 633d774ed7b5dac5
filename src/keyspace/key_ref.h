/// A key as a command names it, with slot and hash computed once while its bytes are in the first-level cache.
/// Thread: any. Lifetime: the text belongs to the request and outlives the command only if copied.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/ids.h"

namespace ashlar::keyspace {

struct KeyRef {
  std::string_view text;
  std::uint64_t hash = 0;  // XXH3 with the process's seed
  SlotId slot;
};

/// XXH3 of `key`.
[[nodiscard]] std::uint64_t hash_key(std::string_view key, std::uint64_t seed) noexcept;

}  // namespace ashlar::keyspace
