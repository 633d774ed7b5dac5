/// Measures what needs two looks: rates per second, and the peak of memory. Looks ten times a second.
#pragma once

#include <array>
#include <functional>

#include "base/time.h"
#include "net/event_loop.h"
#include "server/command_stats.h"
#include "server/run_state.h"

namespace ashlar::server {

/// The rate of a growing counter over about the last 1.6 seconds. Pure. Thread: one.
class RateMeter {
 public:
  /// The counter stood at `total` at `now`. A counter that was reset starts anew.
  void observe(std::uint64_t total, MonoTime now) noexcept;
  [[nodiscard]] std::uint64_t per_second() const noexcept;

 private:
  static constexpr std::size_t kSamples = 16;
  struct Sample {
    std::uint64_t total = 0;
    MonoTime at;
  };
  std::array<Sample, kSamples> samples_{};
  std::size_t count_ = 0;  // ever taken since the last reset
};

/// Thread: control.
class Sampler {
 public:
  /// All must outlive the sampler; `loop` calls it.
  struct Parts {
    net::EventLoop& loop;
    const StatsRegistry& stats;
    RunState& state;
    /// What replication has received and sent, in bytes.
    std::function<std::uint64_t()> replication_input;
    std::function<std::uint64_t()> replication_output;
  };
  explicit Sampler(const Parts& parts) : parts_(parts) {}
  /// Measures now and every tenth of a second from then on, until the loop ends. Call once.
  void start();
  /// Forgets what was measured but the peak (CONFIG RESETSTAT). Thread: any.
  void forget_rates();

 private:
  void sample();
  Parts parts_;
  RateMeter commands_;
  RateMeter input_;
  RateMeter output_;
  RateMeter replication_input_;
  RateMeter replication_output_;
};

/// Raises the peak to `used` when that is more.
void note_memory(RunState& state, std::uint64_t used) noexcept;

}  // namespace ashlar::server
