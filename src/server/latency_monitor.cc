#include "server/latency_monitor.h"

#include <algorithm>

namespace ashlar::server {

void LatencyMonitor::add(std::string_view event, WallTime at, std::uint64_t millis) {
  const std::int64_t now = unix_seconds(at);
  MutexLock lock(mutex_);
  auto found = events_.find(event);
  if (found == events_.end()) found = events_.emplace(std::string(event), Kept{}).first;
  Kept& kept = found->second;
  kept.max_millis = std::max(kept.max_millis, millis);
  if (!kept.samples.empty() && kept.samples.back().unix_seconds == now) {
    Sample& last = kept.samples.back();
    last.millis = std::max(last.millis, millis);
    return;
  }
  kept.samples.push_back({now, millis});
  if (kept.samples.size() > kSamples) kept.samples.pop_front();
}

std::vector<LatencyMonitor::Series> LatencyMonitor::all() const {
  MutexLock lock(mutex_);
  std::vector<Series> out;
  for (const auto& [event, kept] : events_) {
    out.push_back({event, {kept.samples.begin(), kept.samples.end()}, kept.max_millis});
  }
  return out;
}

std::optional<LatencyMonitor::Series> LatencyMonitor::find(std::string_view event) const {
  MutexLock lock(mutex_);
  const auto found = events_.find(event);
  if (found == events_.end()) return std::nullopt;
  const Kept& kept = found->second;
  return Series{found->first, {kept.samples.begin(), kept.samples.end()}, kept.max_millis};
}

std::size_t LatencyMonitor::reset(std::string_view event) {
  MutexLock lock(mutex_);
  const auto found = events_.find(event);
  if (found == events_.end()) return 0;
  events_.erase(found);
  return 1;
}

std::size_t LatencyMonitor::reset_all() {
  MutexLock lock(mutex_);
  const std::size_t count = events_.size();
  events_.clear();
  return count;
}

}  // namespace ashlar::server
