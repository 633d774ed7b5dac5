#include "base/ticks.h"

namespace ashlar {

TickRate::TickRate(const Clock& clock) {
  const MonoTime start = clock.mono();
  const Ticks first = ticks_now();
  MonoTime end = start;
  while (end - start < Millis(10)) end = clock.mono();
  micros_per_tick_ = static_cast<double>((end - start).count()) / static_cast<double>(ticks_now() - first);
}

}  // namespace ashlar
