/// When the log is rewritten by itself, and how failures slow that down. Pure.
/// Source: `auto-aof-rewrite-percentage`, `auto-aof-rewrite-min-size` in redis.conf; Redis' limit on failing rewrites.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace ashlar::aof {

struct RewriteSettings {
  std::uint64_t percentage = 100;  // 0: never by itself
  std::uint64_t min_size = 64ULL << 20;
};

/// True when the log of `current` bytes has grown enough over the `base` bytes it had after its last rewrite or at
/// start.
[[nodiscard]] constexpr bool has_outgrown(const RewriteSettings& settings, std::uint64_t current,
                                          std::uint64_t base) noexcept {
  if (settings.percentage == 0 || current <= settings.min_size) return false;
  base = std::max<std::uint64_t>(base, 1);
  if (current <= base) return false;
  // Growth in percent of the base; as a double, because percentage * base may not fit.
  return static_cast<double>(current - base) * 100.0 >=
         static_cast<double>(settings.percentage) * static_cast<double>(base);
}

/// How long to wait before the next automatic try after `failures` failed ones in a row: nothing up to two, then a
/// minute that doubles up to an hour. Each failed try leaves an increment behind, so they must not come too fast.
[[nodiscard]] constexpr Seconds retry_delay(std::uint64_t failures) noexcept {
  constexpr std::uint64_t kFree = 3;
  if (failures < kFree) return Seconds(0);
  return std::min(Seconds(60LL << std::min<std::uint64_t>(failures - kFree, 6)), Seconds(3600));
}

}  // namespace ashlar::aof
