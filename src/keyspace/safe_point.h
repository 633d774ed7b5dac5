/// Stops all threads that touch the key space between two commands, for work on the whole of it (FLUSHALL, SWAPDB, the
/// cut of a snapshot).
///
/// Each thread that runs commands is a Participant and holds its own lock while it runs a batch: one uncontended lock a
/// batch, on a line of its own. An Exclusive section takes all of them. First in the lock order of the program: a
/// thread that wants exclusivity gives up its own participation first, and holds no slot.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/sync.h"
#include "base/time.h"

namespace ashlar::keyspace {

class SafePoint {
 public:
  /// One per thread, for the life of the thread. Thread: its own, except that an Exclusive section locks it.
  class alignas(64) Participant {
   public:
    /// Begins a batch; waits while an exclusive section runs or is wanted.
    void enter() {
      if (owner_->wanted_.load(std::memory_order_acquire) != 0) [[unlikely]] {
        MutexLock wait(owner_->exclusive_);
      }
      mutex_.lock();
      inside_ = true;
    }
    /// The same, but gives up when the exclusive section has announced that it takes long; true when inside.
    [[nodiscard]] bool enter_unless_busy() {
      while (owner_->wanted_.load(std::memory_order_acquire) != 0 || !mutex_.try_lock()) {
        MutexLock lock(owner_->busy_mutex_);
        if (owner_->busy_.load(std::memory_order_relaxed)) return false;
        if (owner_->wanted_.load(std::memory_order_acquire) != 0) {
          constexpr Micros kAtMost{2000};  // a signal may come just before the wait
          (void)owner_->ended_.wait_for(owner_->busy_mutex_, kAtMost);
        }
      }
      inside_ = true;
      return true;
    }
    void leave() {
      inside_ = false;
      mutex_.unlock();
    }
    [[nodiscard]] bool inside() const noexcept { return inside_; }

   private:
    friend class SafePoint;
    SafePoint* owner_ = nullptr;
    Mutex mutex_;
    bool inside_ = false;
  };

  /// While it lives no other participant runs. `self` may be inside a batch: its participation is given up and taken
  /// again.
  class Exclusive {
   public:
    Exclusive(SafePoint& point, Participant* self) : point_(point), self_(self), was_inside_(self && self->inside()) {
      if (was_inside_) self_->leave();
      point_.wanted_.fetch_add(1, std::memory_order_acq_rel);
      point_.exclusive_.lock();
      for (auto& p : point_.participants_) p->mutex_.lock();
    }
    ~Exclusive() {
      for (auto& p : point_.participants_) p->mutex_.unlock();
      point_.wanted_.fetch_sub(1, std::memory_order_acq_rel);
      point_.busy_.store(false, std::memory_order_relaxed);
      point_.ended_.notify_all();
      point_.exclusive_.unlock();
      if (was_inside_) self_->enter();
    }
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

   private:
    SafePoint& point_;
    Participant* self_;
    bool was_inside_;
  };

  /// Tells those who wait for the end of the present exclusive section, or for one that waits for this thread, that it
  /// takes long, so that they can do something else. It holds until the next end of a section, or end_busy(). Thread:
  /// that of the section, or a participant inside a batch.
  void announce_busy() {
    {
      MutexLock lock(busy_mutex_);
      busy_.store(true, std::memory_order_relaxed);
    }
    ended_.notify_all();
  }

  /// What took long without an exclusive section of its own has ended. Thread: any.
  void end_busy() noexcept { busy_.store(false, std::memory_order_relaxed); }

  /// Adds a thread. The reference is valid for the life of the safe point.
  [[nodiscard]] Participant& join() {
    MutexLock lock(exclusive_);
    participants_.push_back(std::make_unique<Participant>());
    participants_.back()->owner_ = this;
    return *participants_.back();
  }

 private:
  std::atomic<int> wanted_{0};
  std::atomic<bool> busy_{false};
  Mutex busy_mutex_;
  CondVar ended_;
  Mutex exclusive_;
  std::vector<std::unique_ptr<Participant>> participants_;
};

/// A batch that was entered already, as a scope.
class EnteredBatch {
 public:
  explicit EnteredBatch(SafePoint::Participant& participant) : participant_(participant) {
    ASH_DCHECK(participant.inside());
  }
  ~EnteredBatch() { participant_.leave(); }
  EnteredBatch(const EnteredBatch&) = delete;
  EnteredBatch& operator=(const EnteredBatch&) = delete;

 private:
  SafePoint::Participant& participant_;
};

/// A batch as a scope.
class Batch {
 public:
  explicit Batch(SafePoint::Participant& participant) : participant_(participant) { participant_.enter(); }
  ~Batch() { participant_.leave(); }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

 private:
  SafePoint::Participant& participant_;
};

}  // namespace ashlar::keyspace
