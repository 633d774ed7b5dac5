/// The only mutexes, mailboxes and thread primitives of the program.
///
/// Lock order, everywhere: safe point, slots ascending, change log, registries of a loop. Nothing waits for a socket, a
/// file or another loop with a slot locked.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/memory.h"
#include "base/time.h"

#if defined(__clang__)
#define ASH_ATTRIBUTE(x) __attribute__((x))
#else
#define ASH_ATTRIBUTE(x)
#endif
#define ASH_CAPABILITY(x) ASH_ATTRIBUTE(capability(x))
#define ASH_SCOPED_CAPABILITY ASH_ATTRIBUTE(scoped_lockable)
#define ASH_GUARDED_BY(x) ASH_ATTRIBUTE(guarded_by(x))
#define ASH_REQUIRES(...) ASH_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ASH_ACQUIRE(...) ASH_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ASH_RELEASE(...) ASH_ATTRIBUTE(release_capability(__VA_ARGS__))
#define ASH_EXCLUDES(...) ASH_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ASH_NO_THREAD_SAFETY_ANALYSIS ASH_ATTRIBUTE(no_thread_safety_analysis)

namespace ashlar {

/// A sleeping mutex. Cost uncontended: one exchange, one store.
class ASH_CAPABILITY("mutex") Mutex {
 public:
  void lock() ASH_ACQUIRE() { mutex_.lock(); }
  [[nodiscard]] bool try_lock() { return mutex_.try_lock(); }
  void unlock() ASH_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class ASH_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ASH_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() ASH_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits for a condition on a Mutex that the caller holds. Spurious wake-ups happen: always wait in a loop.
class CondVar {
 public:
  void wait(Mutex& mutex) ASH_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    cond_.wait(lock);
    lock.release();
  }
  /// False when `timeout` passed first.
  bool wait_for(Mutex& mutex, Micros timeout) ASH_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const auto status = cond_.wait_for(lock, timeout);
    lock.release();
    return status == std::cv_status::no_timeout;
  }
  void notify_one() { cond_.notify_one(); }
  void notify_all() { cond_.notify_all(); }

 private:
  std::condition_variable cond_;
};

/// One byte that spins briefly, then yields. For critical sections of well under a microsecond: the slot locks.
class ASH_CAPABILITY("spinlock") SpinLock {
 public:
  void lock() noexcept ASH_ACQUIRE() {
    if (!locked_.exchange(true, std::memory_order_acquire)) [[likely]]
      return;
    lock_slow();
  }
  [[nodiscard]] bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept ASH_RELEASE() { locked_.store(false, std::memory_order_release); }

 private:
  void lock_slow() noexcept {
    for (int spins = 0;; ++spins) {
      while (locked_.load(std::memory_order_relaxed)) {
        if (++spins < 100) {
          __builtin_ia32_pause();
        } else {
          ::sched_yield();  // the holder may have lost its core
        }
      }
      if (!locked_.exchange(true, std::memory_order_acquire)) return;
    }
  }
  std::atomic<bool> locked_{false};
};

/// Values sent to another thread, in order. Any thread sends, the owner drains. `wake` is called outside the lock, and
/// only for the message that finds the box empty, so a busy receiver is not woken per message.
template <typename T>
class Mailbox {
 public:
  explicit Mailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void send(T message) {
    bool was_empty = false;
    {
      MutexLock lock(mutex_);
      was_empty = messages_.empty();
      messages_.push_back(std::move(message));
    }
    if (was_empty && wake_) wake_();
  }
  /// All messages that have arrived, oldest first; the box is empty afterwards.
  [[nodiscard]] std::vector<T> drain() {
    std::vector<T> out;
    MutexLock lock(mutex_);
    out.swap(messages_);
    return out;
  }

 private:
  Mutex mutex_;
  std::vector<T> messages_ ASH_GUARDED_BY(mutex_);
  std::function<void()> wake_;
};

/// An immutable value that is replaced as a whole. Readers keep the snapshot they took alive; that shared ownership is
/// why this holds a shared_ptr. `version()` lets a reader notice a change with one relaxed load.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> initial) : value_(std::move(initial)) {}

  [[nodiscard]] std::shared_ptr<const T> get() const {
    MutexLock lock(mutex_);
    return value_;
  }
  void set(std::shared_ptr<const T> next) {
    MutexLock lock(mutex_);
    value_ = std::move(next);
    version_.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ ASH_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> version_{1};
};

/// A reader's copy of a Published value, refreshed only when the version moved. Thread: one.
template <typename T>
class PublishedReader {
 public:
  explicit PublishedReader(const Published<T>& source) : source_(&source) {}
  [[nodiscard]] const T& get() {
    const std::uint64_t version = source_->version();
    if (version != version_) {
      value_ = source_->get();
      version_ = version;
    }
    return *value_;
  }

 private:
  const Published<T>* source_;
  std::shared_ptr<const T> value_;
  std::uint64_t version_ = 0;
};

/// A named thread, joined by join() or the destructor. Names longer than 15 bytes are cut by the kernel.
class Thread {
 public:
  Thread() = default;
  /// For threads that a running server can do without for now: kIo when the system gives none (limits on processes,
  /// memory). The constructor, for those without which there is no server, throws std::system_error then.
  [[nodiscard]] static Result<Thread> start(std::string name, std::function<void()> body) {
    try {
      return Thread(std::move(name), std::move(body));
    } catch (const std::system_error& error) {
      return fail(ErrorCode::kIo, std::string("cannot make a thread: ") + error.code().message());
    }
  }
  Thread(std::string name, std::function<void()> body)
      : thread_([name = std::move(name), body = std::move(body)] {
          ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
          memory_thread_begin();
          body();
          memory_thread_end();
        }) {}
  ~Thread() { join(); }
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept {
    join();
    thread_ = std::move(other.thread_);
    return *this;
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] bool running() const noexcept { return thread_.joinable(); }

 private:
  std::thread thread_;
};

}  // namespace ashlar
