/// Interpreters for those who run scripts at the same time: borrowed for a run, kept for the next.
/// Thread: any. Cost of a loan: one mutex. There are as many interpreters as ever ran at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "base/sync.h"
#include "script/catalog.h"
#include "script/interpreter.h"

namespace ashlar::script {

class InterpreterPool {
 public:
  struct Seat {
    Seat(std::uint64_t seed, Watchdog& watchdog) : rng(seed), interpreter(rng, watchdog) {}
    /// Forgets the scripts of another epoch of the cache; what libraries keep stays.
    void keep_scripts_of(std::uint64_t now) {
      if (epoch == now) return;
      interpreter.forget_scripts();
      epoch = now;
    }
    Rng rng;
    Interpreter interpreter;
    std::uint64_t epoch = 0;                                // of the scripts it has compiled
    std::unordered_map<std::string, LibraryRef> libraries;  // what it has loaded
    std::size_t memory = 0;                                 // bytes after the last run
  };
  /// A seat for the time of the loan. Must not outlive the pool.
  class Loan {
   public:
    Loan(InterpreterPool& pool, std::unique_ptr<Seat> seat) : pool_(pool), seat_(std::move(seat)) {}
    ~Loan() { pool_.give_back(std::move(seat_)); }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    Seat* operator->() const noexcept { return seat_.get(); }
    Seat& operator*() const noexcept { return *seat_; }

   private:
    InterpreterPool& pool_;
    std::unique_ptr<Seat> seat_;
  };

  [[nodiscard]] Loan borrow() {
    {
      MutexLock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Seat> seat = std::move(idle_.back());
        idle_.pop_back();
        return {*this, std::move(seat)};
      }
    }
    return {*this, make_seat(random_seed())};
  }
  /// A seat beside the pool, for a time within its own.
  [[nodiscard]] std::unique_ptr<Seat> make_seat(std::uint64_t seed) { return std::make_unique<Seat>(seed, watchdog_); }
  /// Ends the interpreters that are not in use: what they have compiled and loaded is gone.
  void drop_idle() {
    std::vector<std::unique_ptr<Seat>> dropped;  // ended outside of the lock
    MutexLock lock(mutex_);
    dropped.swap(idle_);
  }
  /// The interpreters that are not in use forget the scripts of other epochs.
  void keep_scripts_of(std::uint64_t epoch) {
    std::vector<std::unique_ptr<Seat>> seats;
    {
      MutexLock lock(mutex_);
      seats.swap(idle_);
    }
    for (auto& seat : seats) {
      seat->keep_scripts_of(epoch);
      give_back(std::move(seat));
    }
  }
  /// Bytes of all interpreters that are not in use.
  [[nodiscard]] std::size_t memory_bytes() const {
    MutexLock lock(mutex_);
    std::size_t sum = 0;
    for (const auto& seat : idle_) sum += seat->memory;
    return sum;
  }

 private:
  void give_back(std::unique_ptr<Seat> seat) {
    seat->memory = seat->interpreter.memory_bytes();
    MutexLock lock(mutex_);
    idle_.push_back(std::move(seat));
  }

  Watchdog watchdog_;
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Seat>> idle_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::script
