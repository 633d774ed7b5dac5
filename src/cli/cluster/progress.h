/// The one-line progress display of a long move.
///
/// Pure: the time comes in. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace ashlar::cli::cluster {

enum class ProgressUnit : std::uint8_t {
  kSlots,  // slots, and the keys in them
  kKeys,   // keys alone
};

class Progress {
 public:
  Progress(std::size_t total, ProgressUnit unit, MonoTime start) : total_(total), unit_(unit), start_(start) {}

  /// One more of the unit is done.
  void step() noexcept { ++done_; }
  /// Keys that went with slots.
  void keys_moved(std::uint64_t count) noexcept { keys_ += count; }
  [[nodiscard]] std::size_t done() const noexcept { return done_; }
  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  /// True at most ten times a second, and when the last step is done: when a new line is worth showing.
  [[nodiscard]] bool due(MonoTime now) noexcept;
  /// "[#########...............]  37%  1520/4096 slots  305 slots/s  12034 keys/s  0:08 left", at most 100 columns.
  [[nodiscard]] std::string line(MonoTime now) const;
  /// "4096 slots and 120034 keys in 13.4 s (305 slots/s, 8957 keys/s)".
  [[nodiscard]] std::string summary(MonoTime now) const;

 private:
  std::size_t total_;
  ProgressUnit unit_;
  MonoTime start_;
  std::size_t done_ = 0;
  std::uint64_t keys_ = 0;
  MonoTime next_{};
};

/// "0:08", "12:30", "3:07:00".
[[nodiscard]] std::string clock_text(Seconds duration);

}  // namespace ashlar::cli::cluster
