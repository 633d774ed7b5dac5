#include "keyspace/access_clock.h"

namespace ashlar::keyspace {
namespace {

constexpr std::uint32_t kClockMask = 0xFFFFFF;
constexpr std::uint8_t kInitialCount = 5;  // new keys must survive long enough to be counted

std::uint32_t minutes(WallTime now) noexcept { return static_cast<std::uint32_t>(unix_seconds(now) / 60) & 0xFFFF; }

}  // namespace

std::uint32_t lru_clock(WallTime now) noexcept { return static_cast<std::uint32_t>(unix_seconds(now)) & kClockMask; }

Seconds lru_idle(std::uint32_t clock, WallTime now) noexcept {
  constexpr std::uint32_t kAhead = 60;  // whoever used the key last looked at the clock later than the caller
  const std::uint32_t idle = (lru_clock(now) - clock) & kClockMask;
  return Seconds(idle > kClockMask - kAhead ? 0 : idle);
}

std::uint32_t lru_clock_for_idle(Seconds idle, WallTime now) noexcept {
  return static_cast<std::uint32_t>(unix_seconds(now) - idle.count()) & kClockMask;
}

std::uint32_t lfu_initial(WallTime now) noexcept { return lfu_clock_for_count(kInitialCount, now); }

std::uint32_t lfu_clock_for_count(std::uint8_t count, WallTime now) noexcept { return minutes(now) << 8 | count; }

std::uint8_t lfu_count(std::uint32_t clock, WallTime now, const LfuSettings& settings) noexcept {
  const std::uint32_t count = clock & 0xFF;
  if (settings.decay_minutes == 0) return static_cast<std::uint8_t>(count);
  const std::uint32_t elapsed = (minutes(now) - (clock >> 8)) & 0xFFFF;
  const std::uint32_t periods = elapsed / settings.decay_minutes;
  return static_cast<std::uint8_t>(periods >= count ? 0 : count - periods);
}

std::uint32_t lfu_touched(std::uint32_t clock, WallTime now, const LfuSettings& settings, Rng& rng) noexcept {
  std::uint8_t count = lfu_count(clock, now, settings);
  if (count < 255) {
    const double base = count > kInitialCount ? count - kInitialCount : 0;
    if (rng.unit() < 1.0 / (base * settings.log_factor + 1)) ++count;
  }
  return lfu_clock_for_count(count, now);
}

}  // namespace ashlar::keyspace
