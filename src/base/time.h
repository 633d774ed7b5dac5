/// Points in time as types that do not mix, and the clock interface. Only base/ reads a real clock; everything else
/// gets `now` as an argument or a `Clock&` from its composition root. Thread: values, any.
#pragma once

#include <chrono>
#include <cstdint>

namespace ashlar {

using Millis = std::chrono::milliseconds;
using Micros = std::chrono::microseconds;
using Seconds = std::chrono::seconds;

/// Tag of the monotonic time line (arbitrary zero, never jumps). It has no now() on purpose.
struct MonoTimeline {
  using duration = Micros;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoTimeline>;
  static constexpr bool is_steady = true;
};
/// Tag of wall-clock time since 1970-01-01 UTC.
struct WallTimeline {
  using duration = Micros;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallTimeline>;
  static constexpr bool is_steady = false;
};

/// Microseconds on the monotonic time line: intervals, timeouts.
using MonoTime = std::chrono::time_point<MonoTimeline>;
/// Microseconds since the Unix epoch: TTLs, logs, file formats.
using WallTime = std::chrono::time_point<WallTimeline>;

[[nodiscard]] constexpr std::int64_t unix_millis(WallTime t) noexcept {
  return std::chrono::floor<Millis>(t.time_since_epoch()).count();
}
[[nodiscard]] constexpr std::int64_t unix_seconds(WallTime t) noexcept {
  return std::chrono::floor<Seconds>(t.time_since_epoch()).count();
}
[[nodiscard]] constexpr WallTime wall_from_unix_millis(std::int64_t ms) noexcept { return WallTime(Millis(ms)); }
[[nodiscard]] constexpr std::int64_t mono_millis(MonoTime t) noexcept {
  return std::chrono::floor<Millis>(t.time_since_epoch()).count();
}

/// Where time comes from. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime mono() const noexcept = 0;
  [[nodiscard]] virtual WallTime wall() const noexcept = 0;
};

/// The operating system's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonoTime mono() const noexcept override;
  [[nodiscard]] WallTime wall() const noexcept override;
};

/// A clock that moves only when told, for tests and the simulator. Thread: one.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] MonoTime mono() const noexcept override { return mono_; }
  [[nodiscard]] WallTime wall() const noexcept override { return wall_; }
  void advance(Micros by) noexcept {
    mono_ += by;
    wall_ += by;
  }
  void set_wall(WallTime t) noexcept { wall_ = t; }

 private:
  MonoTime mono_{Seconds(1'000)};
  WallTime wall_{Seconds(1'700'000'000)};
};

}  // namespace ashlar
