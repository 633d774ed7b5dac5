/// What the 24-bit clock of an entry means: seconds of last access (LRU) or minutes and a logarithmic counter (LFU).
/// Pure. Source: the behaviour of OBJECT IDLETIME and OBJECT FREQ, lfu-log-factor and lfu-decay-time in redis.conf.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "base/time.h"

namespace ashlar::keyspace {

enum class EvictionPolicy : std::uint8_t {
  kNoEviction,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
};

[[nodiscard]] constexpr bool uses_lfu(EvictionPolicy policy) noexcept {
  return policy == EvictionPolicy::kAllKeysLfu || policy == EvictionPolicy::kVolatileLfu;
}
[[nodiscard]] constexpr bool is_volatile(EvictionPolicy policy) noexcept {
  return policy >= EvictionPolicy::kVolatileLru;
}

struct LfuSettings {
  std::uint32_t log_factor = 10;
  std::uint32_t decay_minutes = 1;
};

/// LRU: seconds, modulo 2^24 (194 days).
[[nodiscard]] std::uint32_t lru_clock(WallTime now) noexcept;
[[nodiscard]] Seconds lru_idle(std::uint32_t clock, WallTime now) noexcept;
[[nodiscard]] std::uint32_t lru_clock_for_idle(Seconds idle, WallTime now) noexcept;

/// LFU: 16 bits of minutes and the counter 0..255.
[[nodiscard]] std::uint32_t lfu_initial(WallTime now) noexcept;
[[nodiscard]] std::uint8_t lfu_count(std::uint32_t clock, WallTime now, const LfuSettings& settings) noexcept;
[[nodiscard]] std::uint32_t lfu_touched(std::uint32_t clock, WallTime now, const LfuSettings& settings,
                                        Rng& rng) noexcept;
[[nodiscard]] std::uint32_t lfu_clock_for_count(std::uint8_t count, WallTime now) noexcept;

}  // namespace ashlar::keyspace
