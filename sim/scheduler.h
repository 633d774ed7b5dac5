/// Virtual time: a queue of things to do, in the order of their times, then of their posting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace ashlar::sim {

/// Thread: one. Equal posts give equal runs.
class Scheduler {
 public:
  [[nodiscard]] MonoTime now() const noexcept { return now_; }
  /// Runs `what` at `when`, or now if that is past.
  void at(MonoTime when, std::function<void()> what) {
    queue_.push_back({std::max(when, now_), sequence_++, std::move(what)});
    std::push_heap(queue_.begin(), queue_.end(), Later{});
  }
  void after(Micros delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }

  /// Runs the next thing if it is due by `limit`. False, with the time at `limit`, if there is none.
  bool run_one(MonoTime limit) {
    if (queue_.empty() || queue_.front().when > limit) {
      now_ = std::max(now_, limit);
      return false;
    }
    std::pop_heap(queue_.begin(), queue_.end(), Later{});
    Item item = std::move(queue_.back());
    queue_.pop_back();
    now_ = item.when;
    item.what();
    return true;
  }

 private:
  struct Item {
    MonoTime when;
    std::uint64_t sequence;
    std::function<void()> what;
  };
  struct Later {
    bool operator()(const Item& a, const Item& b) const {
      return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
    }
  };

  MonoTime now_{Seconds(1'000)};
  std::uint64_t sequence_ = 0;
  std::vector<Item> queue_;
};

}  // namespace ashlar::sim
