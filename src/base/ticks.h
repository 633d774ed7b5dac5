/// The processor's time-stamp counter: the cheapest clock (about 8 ns), for measuring commands. Thread: any.
/// Invariant of the machines we run on: the counter is constant-rate and synchronised between cores.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace ashlar {

using Ticks = std::uint64_t;

[[nodiscard]] inline Ticks ticks_now() noexcept { return __builtin_ia32_rdtsc(); }

/// Converts differences of ticks. Calibrated once, at construction, against the monotonic clock (about 10 ms).
class TickRate {
 public:
  explicit TickRate(const Clock& clock);
  [[nodiscard]] std::uint64_t micros(Ticks difference) const noexcept {
    return static_cast<std::uint64_t>(static_cast<double>(difference) * micros_per_tick_);
  }
  [[nodiscard]] Ticks ticks(Micros duration) const noexcept {
    return static_cast<Ticks>(static_cast<double>(duration.count()) / micros_per_tick_);
  }

 private:
  double micros_per_tick_;
};

}  // namespace ashlar
