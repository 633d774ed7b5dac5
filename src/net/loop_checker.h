/// Makes "confined to one loop" checkable.
#pragma once

#include "base/check.h"
#include "net/event_loop.h"

namespace ashlar::net {

/// A member of a class that is confined to a loop; its public functions call check(). Also true before run() and after
/// it, when objects are made and destroyed. Thread: any. Cost: one load and compare.
class LoopChecker {
 public:
  explicit LoopChecker(const EventLoop& loop) noexcept : loop_(&loop) {}
  /// Aborts on a thread that is not the loop's.
  void check() const noexcept { ASH_CHECK(loop_->on_loop_thread()); }

 private:
  const EventLoop* loop_;
};

}  // namespace ashlar::net
