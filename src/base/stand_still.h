/// Sleeping, for what is slow on purpose (aids for tests). Nothing may be locked that others want.
#pragma once

#include <time.h>

#include "base/time.h"

namespace ashlar {

/// The calling thread does nothing for `span`. Cost: a system call.
inline void stand_still(Micros span) noexcept {
  const timespec length{span.count() / 1'000'000, span.count() % 1'000'000 * 1000};
  ::nanosleep(&length, nullptr);
}

}  // namespace ashlar
