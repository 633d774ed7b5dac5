/// What connections are sent that is no reply to a command of theirs: messages, invalidations, MONITOR lines.
///
/// Each loop has an inbox; whoever has something for clients of that loop sends a parcel, from any thread. The loop
/// opens its inbox when it is woken and behind every command, so that what a command sends to its own connection comes
/// right behind its reply. Order: parcels of one inbox are delivered in the order in which they were sent.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/sync.h"

namespace ashlar::server {

class Worker;

/// Something for clients of one or several loops. Thread: made by one, then constant and read by all.
class Parcel {
 public:
  virtual ~Parcel() = default;
  /// Hands it to those clients of `worker` that it concerns. Thread: the loop of `worker`.
  virtual void deliver(Worker& worker) const = 0;
};
/// Shared by the loops it goes to; the last one frees it.
using SharedParcel = std::shared_ptr<const Parcel>;

/// Thread: send() any, the rest the loop's. Takes one lock for a moment and no other inside, so it may be called with
/// slots locked.
class Inbox {
 public:
  /// `wake` makes the loop call drain() soon; called for the parcel that finds the box empty.
  explicit Inbox(std::function<void()> wake) : box_(std::move(wake)) {}

  void send(SharedParcel parcel) {
    pending_.store(true, std::memory_order_relaxed);
    box_.send(std::move(parcel));
  }
  /// True at once for what this thread has sent itself; what others send is seen by the wake-up at the latest.
  [[nodiscard]] bool pending() const noexcept { return pending_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::vector<SharedParcel> drain() {
    pending_.store(false, std::memory_order_relaxed);
    return box_.drain();
  }

 private:
  std::atomic<bool> pending_{false};
  Mailbox<SharedParcel> box_;
};

}  // namespace ashlar::server
