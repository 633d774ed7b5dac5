/// LATENCY: how long the slow ones among some events took, a sample a second at most for each event. Thread: any.
/// Nothing is paid below the threshold but a compare. Source: the behaviour of latency-monitor-threshold in redis.conf.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sync.h"
#include "base/time.h"

namespace ashlar::server {

class LatencyMonitor {
 public:
  struct Sample {
    std::int64_t unix_seconds;
    std::uint64_t millis;
  };
  /// What is known of one event: at least one sample, oldest first.
  struct Series {
    std::string event;
    std::vector<Sample> samples;
    std::uint64_t max_millis = 0;  // of all time, also of samples that are gone
  };
  static constexpr std::size_t kSamples = 160;

  /// Events that take at least so long are kept; zero: none.
  void set_threshold(Millis threshold) noexcept { threshold_ms_.store(threshold.count(), std::memory_order_relaxed); }
  [[nodiscard]] Millis threshold() const noexcept { return Millis(threshold_ms_.load(std::memory_order_relaxed)); }

  /// Keeps it when it took long enough.
  void note(std::string_view event, WallTime at, Micros took) {
    const std::int64_t limit = threshold_ms_.load(std::memory_order_relaxed);
    if (limit != 0 && took.count() / 1000 >= limit) [[unlikely]]
      add(event, at, static_cast<std::uint64_t>(took.count()) / 1000);
  }

  /// By name of the event.
  [[nodiscard]] std::vector<Series> all() const;
  [[nodiscard]] std::optional<Series> find(std::string_view event) const;
  /// Forgets one event, or all; how many it was.
  std::size_t reset(std::string_view event);
  std::size_t reset_all();

 private:
  struct Kept {
    std::deque<Sample> samples;
    std::uint64_t max_millis = 0;
  };
  void add(std::string_view event, WallTime at, std::uint64_t millis);

  std::atomic<std::int64_t> threshold_ms_{0};
  mutable Mutex mutex_;
  std::map<std::string, Kept, std::less<>> events_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::server
