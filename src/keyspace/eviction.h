/// Chooses and removes keys when memory is short, by sampling, as maxmemory-policy says.
/// Thread: any, inside its safe-point batch, with no slot locked. Source: the eviction policies of redis.conf.
#pragma once

#include <cstdint>
#include <optional>

#include "keyspace/db.h"

namespace ashlar::keyspace {

/// Removes the best of `samples` sampled keys (of all databases) under `policy`, which is not kNoEviction. The removal
/// is counted and recorded. Bytes that it gives back, now or in the background; nullopt: no key qualifies.
[[nodiscard]] std::optional<std::uint64_t> evict_one(Keyspace& keyspace, const AccessContext& context,
                                                     EvictionPolicy policy, std::uint32_t samples);

}  // namespace ashlar::keyspace
