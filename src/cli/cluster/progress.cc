#include "cli/cluster/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ashlar::cli::cluster {
namespace {

double seconds_between(MonoTime from, MonoTime to) noexcept { return std::chrono::duration<double>(to - from).count(); }

std::string rate(std::uint64_t count, double seconds, std::string_view what) {
  return fmt::format("{:.0f} {}/s", seconds > 0 ? static_cast<double>(count) / seconds : 0.0, what);
}

std::string_view name_of(ProgressUnit unit) noexcept { return unit == ProgressUnit::kSlots ? "slots" : "keys"; }

}  // namespace

std::string clock_text(Seconds duration) {
  const auto s = std::max<Seconds::rep>(duration.count(), 0);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

bool Progress::due(MonoTime now) noexcept {
  if (now < next_ && done_ < total_) return false;
  next_ = now + Millis(100);
  return true;
}

std::string Progress::line(MonoTime now) const {
  constexpr std::size_t kWidth = 24;
  // An announced total may turn out too small (keys written while they are imported).
  const std::size_t total = std::max(total_, done_);
  const double part = total == 0 ? 1.0 : static_cast<double>(done_) / static_cast<double>(total);
  const auto filled = static_cast<std::size_t>(part * kWidth);
  const double elapsed = seconds_between(start_, now);
  std::string left = "-:--";
  if (done_ != 0)
    left = clock_text(Seconds(std::llround(elapsed / static_cast<double>(done_) * static_cast<double>(total - done_))));
  std::string out =
      fmt::format("[{}{}] {:3.0f}%  {}/{} {}  {}", std::string(filled, '#'), std::string(kWidth - filled, '.'),
                  std::floor(part * 100), done_, total, name_of(unit_), rate(done_, elapsed, name_of(unit_)));
  if (unit_ == ProgressUnit::kSlots) out += "  " + rate(keys_, elapsed, "keys");
  return out + "  " + left + " left";
}

std::string Progress::summary(MonoTime now) const {
  const double elapsed = seconds_between(start_, now);
  if (unit_ == ProgressUnit::kKeys)
    return fmt::format("{} keys in {:.1f} s ({})", done_, elapsed, rate(done_, elapsed, "keys"));
  return fmt::format("{} slots and {} keys in {:.1f} s ({}, {})", done_, keys_, elapsed, rate(done_, elapsed, "slots"),
                     rate(keys_, elapsed, "keys"));
}

}  // namespace ashlar::cli::cluster
