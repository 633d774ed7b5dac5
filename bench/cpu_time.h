/// Time for bench programs: the calling thread's own CPU time, which other processes on the machine do not stretch.
/// Thread: any.
#pragma once

#include <ctime>

namespace ashlar::bench {

[[nodiscard]] inline double seconds_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
[[nodiscard]] inline double cpu_seconds() { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }
[[nodiscard]] inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

}  // namespace ashlar::bench
