#include "base/time.h"

#include <ctime>

namespace ashlar {
namespace {

Micros read_clock(clockid_t id) noexcept {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return Micros(static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1'000);
}

}  // namespace

MonoTime SystemClock::mono() const noexcept { return MonoTime(read_clock(CLOCK_MONOTONIC)); }
WallTime SystemClock::wall() const noexcept { return WallTime(read_clock(CLOCK_REALTIME)); }

}  // namespace ashlar
