/// `rdb-key-save-delay` and `key-load-delay`: aids for tests of what happens while data is written or read. Whoever
/// walks over keys stands still after each.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "base/scheduling.h"
#include "base/time.h"

namespace ashlar::snapshot {

/// Microseconds after each key; -n: one microsecond after n keys; 0: none. Thread: any.
using KeyDelay = std::atomic<std::int32_t>;

/// One walk that a delay slows down. Thread: one at a time.
class SlowWalk {
 public:
  /// `delay` must outlive the walk.
  explicit SlowWalk(const KeyDelay& delay) noexcept : delay_(&delay) {}
  [[nodiscard]] bool slow() const noexcept { return delay_->load(std::memory_order_relaxed) != 0; }

  /// Stands still for what `keys` more keys take. Nothing may be locked. Returns soon when the delay is changed or
  /// `ended()` says that nobody wants the walk any more.
  template <typename Ended>
  void passed(std::uint64_t keys, Ended&& ended) {
    constexpr Micros kTurn{10'000};  // from one look at what has changed to the next
    const std::int32_t delay = delay_->load(std::memory_order_relaxed);
    if (delay == 0) return;
    Micros left = due(keys, delay);
    while (left.count() > 0 && !ended() && delay_->load(std::memory_order_relaxed) == delay) {
      const Micros turn = std::min(left, kTurn);
      stand_still(turn);
      left -= turn;
    }
  }

 private:
  [[nodiscard]] Micros due(std::uint64_t keys, std::int64_t delay) noexcept {
    const auto count = static_cast<std::int64_t>(keys);
    if (delay > 0) return Micros(count * delay);
    unpaid_ += count;
    const Micros result(unpaid_ / -delay);
    unpaid_ %= -delay;
    return result;
  }

  const KeyDelay* delay_;
  std::int64_t unpaid_ = 0;  // keys, while it takes several to wait for a microsecond
};

}  // namespace ashlar::snapshot
