#include "server/slow_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::server {
namespace {

constexpr std::size_t kMaxArgs = 32;
constexpr std::size_t kMaxArgBytes = 128;

std::vector<std::string> shortened(std::span<const std::string_view> args) {
  std::vector<std::string> out;
  const std::size_t shown = std::min(args.size(), kMaxArgs);
  for (std::size_t i = 0; i < shown; ++i) {
    if (shown != args.size() && i == shown - 1) {
      out.push_back(fmt::format("... ({} more arguments)", args.size() - shown + 1));
    } else if (args[i].size() > kMaxArgBytes) {
      out.push_back(
          fmt::format("{}... ({} more bytes)", args[i].substr(0, kMaxArgBytes), args[i].size() - kMaxArgBytes));
    } else {
      out.emplace_back(args[i]);
    }
  }
  return out;
}

}  // namespace

void SlowLog::set_length(std::size_t entries) {
  MutexLock lock(mutex_);
  length_ = entries;
  while (entries_.size() > length_) entries_.pop_back();
}

void SlowLog::add(std::span<const std::string_view> args, WallTime at, std::uint64_t micros, std::string client_address,
                  std::string client_name) {
  std::vector<std::string> kept = shortened(args);
  MutexLock lock(mutex_);
  entries_.push_front(
      {next_id_++, unix_seconds(at), micros, std::move(kept), std::move(client_address), std::move(client_name)});
  while (entries_.size() > length_) entries_.pop_back();
}

std::vector<SlowLog::Entry> SlowLog::newest(std::size_t count) const {
  MutexLock lock(mutex_);
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries_.size()))};
}

std::size_t SlowLog::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

void SlowLog::reset() {
  MutexLock lock(mutex_);
  entries_.clear();
}

}  // namespace ashlar::server
