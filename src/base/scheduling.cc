#include "base/scheduling.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace ashlar {
namespace {

constexpr std::uint64_t kShortTurn = 100'000;  // ns; the least that the system takes

/// What the system call reads; the C library has no name for it yet.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = SCHED_OTHER;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

}  // namespace

void stand_still(Micros span) noexcept {
  const timespec length{span.count() / 1'000'000, span.count() % 1'000'000 * 1'000};
  ::nanosleep(&length, nullptr);
}

void prefer_short_turns() noexcept {
  SchedulingAttributes attributes;
  // Only the time is to change: whoever started us may have set the rest.
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;
  attributes.runtime = kShortTurn;
  (void)::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace ashlar
