/// When a loop should let requests gather before it asks the kernel for them.
///
/// A loop that is faster than its peers wakes up for every single request: the wake-up costs it more than the request.
/// While many peers send in quick succession, a short rest before each wait lets one wake-up serve several of them.
/// With 50 connections on one core that saves a fifth of the CPU time of a request, with and without pipelining, and
/// the rate rises by a tenth (docs/decisions/0006-gathered-wakeups.md).
///
/// It must not cost those who gain nothing: few peers, for each of them waits for its own reply; peers that are slow
/// anyway; and a loop that has not caught up, as what waits for it has gathered already.
///
/// Thread: the loop's. Cost: a few instructions for each event and turn.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace ashlar::net {

class Gathering {
 public:
  /// How long to rest. Zero: never.
  explicit Gathering(Micros rest) noexcept : rest_(rest) {}
  void set_rest(Micros rest) noexcept { rest_ = rest; }

  /// A descriptor became ready. `mark` belongs to it and begins as 0.
  void saw(std::uint32_t& mark) noexcept {
    ++events_;
    if (mark == window_) return;
    mark = window_;
    ++peers_;
  }
  /// Before each wait: how long to rest first. `served` counts the events of the turn that ends.
  [[nodiscard]] Micros before_wait(MonoTime now, std::size_t served) noexcept;

 private:
  static constexpr Micros kWindow{4'000};     // what is observed together, at least
  static constexpr std::uint32_t kMany = 16;  // peers; with fewer, each one waits for us more than we for them
  static constexpr Micros kQuick{50};         // between two events, on average

  Micros rest_;
  MonoTime began_;            // of the window
  std::uint32_t window_ = 1;  // its number; that of a mark that was not seen yet is 0
  std::uint32_t peers_ = 0;   // that became ready in it
  std::uint32_t events_ = 0;
  std::uint32_t many_ = 0;  // peers of the last window if there were many, quickly one after the other; else 0
};

}  // namespace ashlar::net
