/// Notices scripts that run for longer than a few milliseconds and interrupts them, so that short ones need not count
/// their instructions. Its thread looks around every kPeriod while scripts keep coming and sleeps otherwise.
/// Thread: a Watch is its owner's, whose thread may change between runs; the watchdog has one of its own.
/// Cost of a run: two atomic exchanges; a system call for the first after a pause.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/interrupt.h"
#include "base/sync.h"
#include "base/time.h"

namespace ashlar::script {

class Watchdog {
 public:
  /// The time between two looks: a run is interrupted when two in a row have seen it.
  static constexpr Micros kPeriod{4000};

  Watchdog() = default;
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Whether no script has come for a while. Thread: any.
  [[nodiscard]] bool asleep() const noexcept { return asleep_.load(); }

  /// Somebody who runs scripts, one after the other. Must not outlive the watchdog; not to be moved.
  class Watch {
   public:
    /// `alarm` interrupts a long run, once, on its thread.
    Watch(Watchdog& watchdog, const Interruption& alarm);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    void begin();
    enum class Alarm : std::uint8_t { kNone, kRaised };
    /// Whether the alarm was raised in this run. None is raised after it.
    [[nodiscard]] Alarm end();

   private:
    friend class Watchdog;
    enum class Phase : std::uint8_t { kIdle, kRunning, kInterrupting, kRaised };
    static void raise(void* self) noexcept;

    Watchdog& watchdog_;
    Interruption alarm_;
    Interruption raise_{&Watch::raise, this};
    std::atomic<Phase> phase_{Phase::kIdle};
    std::atomic<std::uint64_t> runs_{0};
    std::atomic<pthread_t> thread_{};  // of the run; written before kRunning
    std::uint64_t seen_run_ = 0;       // by the last look
  };

 private:
  void wake();
  void look_around() ASH_REQUIRES(mutex_);
  void run();

  /// Looks without any new run before the thread sleeps.
  static constexpr int kQuietLooks = 50;
  std::atomic<bool> asleep_{true};
  Mutex mutex_;
  CondVar woken_;
  bool stopping_ ASH_GUARDED_BY(mutex_) = false;
  int quiet_looks_ ASH_GUARDED_BY(mutex_) = 0;
  std::vector<Watch*> watches_ ASH_GUARDED_BY(mutex_);
  Thread thread_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::script
