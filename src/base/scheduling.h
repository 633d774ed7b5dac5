/// What a thread may ask of the system's scheduler.
#pragma once

#include <sched.h>

#include "base/time.h"

namespace ashlar {

/// Lets another thread that is ready have this core. Cost: a system call, and on a busy machine the milliseconds until
/// it is this thread's turn again.
inline void yield_core() noexcept { ::sched_yield(); }

/// The calling thread does nothing for `span`, with nothing locked that others want. A signal ends it early.
void stand_still(Micros span) noexcept;

/// For a thread that answers others: from now on it is given short turns, and in return soon after it wakes up, even
/// when background work has the core. Nothing happens on systems that cannot do that (Linux before 6.12).
/// Source: sched_setattr(2), sched_runtime of SCHED_OTHER.
void prefer_short_turns() noexcept;

/// For background work that shares cores with event loops: gives the core away now and then, not more often.
/// Thread: one.
class Pace {
 public:
  explicit Pace(const Clock& clock) noexcept : clock_(clock), began_(clock.mono()) {}
  /// Between two steps, with nothing locked. Cost: a look at the clock.
  void step() noexcept {
    if (clock_.mono() - began_ < kTurn) return;
    yield_core();
    began_ = clock_.mono();
  }

 private:
  /// What a client on the same core may have to wait. Much shorter, and on a busy machine, where giving the core away
  /// once costs milliseconds, a snapshot would hardly get on.
  static constexpr Micros kTurn{250};
  const Clock& clock_;
  MonoTime began_;  // of this turn
};

}  // namespace ashlar
