#include "server/commands/latency_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace ashlar::server {
namespace {

constexpr std::size_t kRows = 4;
constexpr std::string_view kLevels = "_-.o#";  // nothing to full, within one row

struct Figures {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  double mean = 0;
  double deviation = 0;  // mean absolute deviation
  double period = 0;     // seconds between samples
};

Figures figures_of(const LatencyMonitor::Series& series, WallTime now) {
  Figures f;
  if (series.samples.empty()) return f;
  const auto n = static_cast<double>(series.samples.size());
  f.low = series.samples.front().millis;
  for (const auto& sample : series.samples) {
    f.low = std::min(f.low, sample.millis);
    f.high = std::max(f.high, sample.millis);
    f.mean += static_cast<double>(sample.millis) / n;
  }
  for (const auto& sample : series.samples) f.deviation += std::abs(static_cast<double>(sample.millis) - f.mean) / n;
  f.period = static_cast<double>(unix_seconds(now) - series.samples.front().unix_seconds) / n;
  return f;
}

/// "7s", "12m", "3h", "9d".
std::string age(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86'400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86'400);
}

/// The mark of one sample in one row, counted from the bottom.
char mark(double share, std::size_t row) {
  const double filled = share * kRows - static_cast<double>(row);
  if (filled <= 0) return row == 0 ? kLevels.front() : ' ';
  const auto step =
      static_cast<std::size_t>(std::ceil(std::min(filled, 1.0) * static_cast<double>(kLevels.size() - 1)));
  return kLevels[step];
}

std::string advice_for(std::string_view event) {
  if (event == "command") {  // tidy: allow(command-name): the name of an event
    return "Commands with much work took long. SLOWLOG GET names them; work on fewer elements at a time, or use SCAN "
           "and its kin instead of commands that walk a whole collection.";
  }
  if (event == "fast-command") {
    return "Even commands that do little took long, so the time went elsewhere: look for a machine without free "
           "processors, for swapping, or for slow commands on the same slots.";
  }
  if (event.starts_with("aof-")) {
    return "Writing the append-only file waited for the disk. A faster disk, `appendfsync everysec` or "
           "`no-appendfsync-on-rewrite yes` helps.";
  }
  if (event.starts_with("expire-")) {
    return "Removing expired keys took long: very many of them end at the same moment. Spread their times to live.";
  }
  if (event.starts_with("eviction-")) {
    return "Making room under `maxmemory` took long. Give the server more memory, or let it evict sooner and less.";
  }
  return {};
}

}  // namespace

std::string latency_graph(const LatencyMonitor::Series& series, WallTime now) {
  const Figures f = figures_of(series, now);
  std::string out =
      fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n", series.event, f.high, f.low, series.max_millis);
  out += std::string(80, '-') + "\n";
  const auto& samples = series.samples;
  const std::size_t first = samples.size() > 80 ? samples.size() - 80 : 0;
  for (std::size_t row = kRows; row-- > 0;) {
    for (std::size_t i = first; i < samples.size(); ++i) {
      const auto span = static_cast<double>(f.high - f.low);
      const double share = span == 0 ? 1 : static_cast<double>(samples[i].millis - f.low) / span;
      out += mark(share, row);
    }
    out += '\n';
  }
  out += '\n';
  // Ages are written from top to bottom below their bars.
  std::vector<std::string> ages;
  std::size_t longest = 0;
  for (std::size_t i = first; i < samples.size(); ++i) {
    ages.push_back(age(unix_seconds(now) - samples[i].unix_seconds));
    longest = std::max(longest, ages.back().size());
  }
  for (std::size_t line = 0; line < longest; ++line) {
    for (const std::string& text : ages) out += line < text.size() ? text[line] : ' ';
    out += '\n';
  }
  return out;
}

std::string latency_advice(std::span<const LatencyMonitor::Series> all, Millis threshold, WallTime now) {
  if (threshold == Millis(0)) {
    return "Latency is not being watched. CONFIG SET latency-monitor-threshold <milliseconds> starts it.\n";
  }
  if (all.empty()) {
    return fmt::format("Nothing took {} milliseconds or longer since the events were last reset. All is well.\n",
                       threshold.count());
  }
  std::string out = "These events took longer than the threshold:\n\n";
  std::vector<std::string> advice;
  std::size_t number = 0;
  for (const auto& series : all) {
    const Figures f = figures_of(series, now);
    out += fmt::format(
        "{}. {}: {} samples, {:.0f} ms on average (mean deviation {:.0f} ms), one every {:.2f} seconds, {} ms at "
        "worst.\n",
        ++number, series.event, series.samples.size(), f.mean, f.deviation, f.period, series.max_millis);
    std::string text = advice_for(series.event);
    if (!text.empty() && std::ranges::find(advice, text) == advice.end()) advice.push_back(std::move(text));
  }
  if (!advice.empty()) out += "\nWhat may help:\n\n";
  for (const std::string& text : advice) out += "- " + text + "\n";
  return out;
}

}  // namespace ashlar::server
