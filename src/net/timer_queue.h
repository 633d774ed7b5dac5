/// Functions to be called at points in time. Pure: the caller says what time it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"

namespace ashlar::net {

/// Names a timer until it has fired or was cancelled; harmless afterwards. The default value names none.
struct TimerId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  bool operator==(const TimerId&) const = default;
};

/// Timers in a binary heap that knows where each one sits.
///
/// Thread: one. Cost: adding, cancelling and firing O(log n). Timers of the same time fire in the order they were
/// added. Invariants: (1) no entry of heap_ is earlier than its parent; (2) slots_[heap_[i].slot].position == i.
class TimerQueue {
 public:
  using Callback = std::move_only_function<void()>;

  [[nodiscard]] TimerId add(MonoTime at, Callback callback);
  /// True if the timer had not fired yet; then it never will.
  bool cancel(TimerId id);
  /// Time of the earliest timer.
  [[nodiscard]] std::optional<MonoTime> next() const noexcept;
  /// Calls every timer of `now` or earlier that was there before this call, in order of time. Callbacks may add and
  /// cancel timers; what they add for `now` waits for the next call. Returns how many were called.
  std::size_t run_due(MonoTime now);
  /// Number of timers that wait.
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }
  /// Aborts if an invariant is broken.
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNotInHeap = UINT32_MAX;  // due and about to be called, or free
  struct Entry {
    MonoTime at;
    std::uint64_t sequence;
    std::uint32_t slot;
    [[nodiscard]] bool before(const Entry& other) const noexcept {
      return at != other.at ? at < other.at : sequence < other.sequence;
    }
  };
  struct Slot {
    Callback callback;
    std::uint32_t position = kNotInHeap;
    std::uint32_t generation = 1;
  };

  [[nodiscard]] bool is_live(TimerId id) const noexcept;
  [[nodiscard]] Callback release(std::uint32_t slot);
  void remove_at(std::size_t position);
  void place(std::size_t position, const Entry& entry);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);

  std::vector<Entry> heap_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<TimerId> due_;  // of the run_due() under way
  std::uint64_t next_sequence_ = 0;
};

}  // namespace ashlar::net
