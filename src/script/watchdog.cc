#include "script/watchdog.h"

#include <utility>

#include "base/log.h"
#include "base/scheduling.h"

namespace ashlar::script {

Watchdog::Watch::Watch(Watchdog& watchdog, const Interruption& alarm) : watchdog_(watchdog), alarm_(alarm) {
  MutexLock lock(watchdog_.mutex_);
  watchdog_.watches_.push_back(this);
}

Watchdog::Watch::~Watch() {
  MutexLock lock(watchdog_.mutex_);
  std::erase(watchdog_.watches_, this);
}

void Watchdog::Watch::begin() {
  thread_.store(::pthread_self(), std::memory_order_relaxed);
  runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  phase_.store(Phase::kRunning);
  // After the phase: either the watchdog sees this run before it falls asleep, or it is seen asleep here.
  if (watchdog_.asleep_.load()) watchdog_.wake();
}

Watchdog::Watch::Alarm Watchdog::Watch::end() {
  Phase phase = Phase::kRunning;
  if (phase_.compare_exchange_strong(phase, Phase::kIdle)) return Alarm::kNone;
  // An interruption that is on its way comes at the latest when a system call returns.
  while (phase_.load() == Phase::kInterrupting) yield_core();
  phase_.store(Phase::kIdle);
  return Alarm::kRaised;
}

void Watchdog::Watch::raise(void* self) noexcept {
  auto& watch = *static_cast<Watch*>(self);
  watch.alarm_.run(watch.alarm_.what);
  watch.phase_.store(Phase::kRaised);
}

Watchdog::~Watchdog() ASH_NO_THREAD_SAFETY_ANALYSIS {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  woken_.notify_all();
  thread_.join();  // nobody wakes it any more
}

void Watchdog::wake() {
  {
    MutexLock lock(mutex_);
    asleep_.store(false);
    quiet_looks_ = 0;
    if (!thread_.running()) {
      allow_interruptions();
      if (auto thread = Thread::start("watchdog", [this] { run(); })) {
        thread_ = std::move(*thread);
      } else {  // the next script tries again
        asleep_.store(true);
        log::warning("A script runs that cannot be interrupted: {}", thread.error().text());
      }
    }
  }
  woken_.notify_all();
}

void Watchdog::run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (asleep_.load()) {
      woken_.wait(mutex_);
      continue;
    }
    woken_.wait_for(mutex_, kPeriod);
    if (quiet_looks_ >= kQuietLooks) asleep_.store(true);  // before the last look, see begin()
    look_around();
    if (quiet_looks_ == 0) asleep_.store(false);
  }
}

void Watchdog::look_around() {
  bool quiet = true;
  for (Watch* watch : watches_) {
    using Phase = Watch::Phase;
    Phase phase = watch->phase_.load();
    const std::uint64_t run = watch->runs_.load(std::memory_order_relaxed);
    const bool same = std::exchange(watch->seen_run_, run) == run;
    if (!same || phase != Phase::kIdle) quiet = false;
    if (!same || phase != Phase::kRunning) continue;
    // Whoever ends a run waits for an interruption that is on its way, so the thread is still there.
    if (watch->phase_.compare_exchange_strong(phase, Phase::kInterrupting)) {
      interrupt_thread(watch->thread_.load(std::memory_order_relaxed), watch->raise_);
    }
  }
  quiet_looks_ = quiet ? quiet_looks_ + 1 : 0;
}

}  // namespace ashlar::script
