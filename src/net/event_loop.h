/// One thread's loop over sockets, timers and messages from other threads.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/sync.h"
#include "base/time.h"
#include "net/gathering.h"
#include "net/poller.h"
#include "net/timer_queue.h"

namespace ashlar::net {

class EventLoop;

/// Told by a loop that its descriptor is ready.
class IoHandler {
 public:
  /// Thread: the loop's. May destroy any handler and any Watch, its own too. With Trigger::kLevel called again next
  /// turn as long as the descriptor is ready and the interest stands; so on `failed` stop watching. With kEdge called
  /// once: who leaves something unread, or an end not met, says ask_again().
  virtual void on_ready(Readiness readiness) noexcept = 0;

 protected:
  ~IoHandler() = default;
};

/// Keeps a handler registered; destroying it ends that, at once and for events already fetched too. Must go before its
/// descriptor is closed and before its loop. Thread: the loop's.
class Watch {
 public:
  Watch() noexcept = default;
  ~Watch() { reset(); }
  Watch(Watch&& other) noexcept;
  Watch& operator=(Watch&& other) noexcept;
  /// Costs a system call if it changes something.
  void set_interest(Interest interest) noexcept;
  [[nodiscard]] Interest interest() const noexcept;
  /// The handler is called next turn if the descriptor is ready then. For edges; costs a system call.
  void ask_again() noexcept;
  void reset() noexcept;
  [[nodiscard]] explicit operator bool() const noexcept { return loop_ != nullptr; }

 private:
  friend class EventLoop;
  Watch(EventLoop& loop, std::uint32_t slot) noexcept : loop_(&loop), slot_(slot) {}
  EventLoop* loop_ = nullptr;
  std::uint32_t slot_ = 0;
};

struct LoopOptions {
  /// How long requests of many busy peers gather before one wake-up serves them, see gathering.h. Zero: not at all.
  Micros gather{0};
};

/// What the loop did, since it was made.
struct LoopStats {
  std::uint64_t turns = 0;
  std::uint64_t wakeups = 0;    // turns with at least one event
  std::uint64_t io_events = 0;  // handlers called
  std::uint64_t timers = 0;     // timers fired
  std::uint64_t posts = 0;      // posted functions called
  std::uint64_t rests = 0;      // waits before which requests were let to gather
  Micros busy{0};               // time outside of waiting
};

/// The loop. A turn: wait, sample the clocks, call the handlers of ready descriptors, the posted functions and the due
/// timers, then the turn-end functions.
///
/// Thread: confined to the thread in run(); before and after run() to whoever owns it. Only stop() and post() may be
/// called from anywhere, and only while the loop exists. Handlers, timers and functions must not throw.
class EventLoop {
 public:
  using Callback = std::move_only_function<void()>;

  /// `clock` must outlive the loop. Aborts if the system refuses the loop's own descriptors.
  explicit EventLoop(const Clock& clock, LoopOptions options = {});
  /// With a poller of the caller's choice.
  EventLoop(const Clock& clock, std::unique_ptr<Poller> poller, LoopOptions options);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Turns until stop(); the thread that calls it owns the loop meanwhile.
  void run();
  /// Changes LoopOptions::gather. The loop's thread.
  void set_gather(Micros rest) noexcept { gathering_.set_rest(rest); }
  /// Ends run() after its current turn, or the next run() before its first. Any thread, any number of times.
  void stop() noexcept;
  /// One turn that waits `at_most` (nullopt: as long as it takes). For tests and for loops inside loops.
  void run_turn(std::optional<Micros> at_most);

  /// Calls the handlers of descriptors that are ready within `at_most`, and nothing else that a turn does: for work
  /// that takes long on the loop's thread and must not make its peers wait without an answer.
  void poll_io(Micros at_most);

  /// Calls `callback` in a coming turn. Any thread; the order of one sender is kept. What is still waiting when the
  /// loop is destroyed is dropped uncalled.
  void post(Callback callback);

  /// Calls `callback` once, in the first turn at or after `at`.
  [[nodiscard]] TimerId call_at(MonoTime at, Callback callback);
  [[nodiscard]] TimerId call_after(Micros delay, Callback callback) {
    return call_at(now_ + delay, std::move(callback));
  }
  /// True if the timer had not fired; false for one that is gone already.
  bool cancel(TimerId id);

  /// `fd` stays the caller's and must not be watched twice. `handler` must outlive the Watch. Errors: kIo.
  [[nodiscard]] Result<Watch> watch(int fd, Interest interest, IoHandler& handler, Trigger trigger = Trigger::kLevel);

  /// Calls `callback` at the end of every turn, behind those that were there before; for as long as the loop lives.
  /// This is where the replies of a turn are sent together.
  void on_turn_end(Callback callback);

  /// The time, as sampled once a turn after waiting.
  [[nodiscard]] MonoTime now() const noexcept { return now_; }
  [[nodiscard]] WallTime wall_now() const noexcept { return wall_now_; }
  [[nodiscard]] const Clock& clock() const noexcept { return clock_; }

  [[nodiscard]] const LoopStats& stats() const noexcept { return stats_; }
  /// True on the thread in run(), and anywhere while no thread is. Any thread.
  [[nodiscard]] bool on_loop_thread() const noexcept {
    const pthread_t owner = owner_.load(std::memory_order_relaxed);
    return owner == pthread_t{} || ::pthread_equal(owner, ::pthread_self()) != 0;
  }

 private:
  friend class Watch;
  struct WatchSlot {
    IoHandler* handler = nullptr;  // null: free
    int fd = 0;
    std::uint32_t generation = 0;  // of the watch that has the slot; events of older ones are dropped
    Interest interest = Interest::kNone;
    Trigger trigger = Trigger::kLevel;
    std::uint32_t gathered = 0;  // mark of gathering_
  };

  [[nodiscard]] static Poller::Token token_of(std::uint32_t slot, std::uint32_t generation) noexcept {
    return std::uint64_t{generation} << 32 | slot;
  }
  void unwatch(std::uint32_t slot) noexcept;
  void change_interest(std::uint32_t slot, Interest interest) noexcept;
  void ask_again(std::uint32_t slot) noexcept;
  [[nodiscard]] std::span<const Poller::Ready> wait(std::optional<Micros> at_most);
  void dispatch(const Poller::Ready& ready) noexcept;
  void run_posts();
  void wake() noexcept;

  const Clock& clock_;
  std::unique_ptr<Poller> poller_;
  Fd wake_fd_;
  std::atomic<pthread_t> owner_{};
  std::atomic<bool> stop_requested_{false};
  Mailbox<Callback> mailbox_;
  std::vector<Callback> own_posts_;  // posted by the loop's own thread: no lock, no wake-up
  bool woken_ = false;               // the mailbox has something

  std::vector<WatchSlot> watches_;
  std::vector<std::uint32_t> free_watches_;
  TimerQueue timers_;
  std::vector<Callback> turn_end_;
  MonoTime now_;
  WallTime wall_now_;
  Gathering gathering_;
  std::size_t served_ = 0;  // events of the last turn
  LoopStats stats_;
};

}  // namespace ashlar::net
