#include "server/command_log.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::server {
namespace {

constexpr std::size_t kMaxArgs = 32;
constexpr std::size_t kMaxArgBytes = 128;

std::size_t index_of(CommandLog::Kind kind) { return static_cast<std::size_t>(kind); }

std::vector<std::string> shortened(const CommandLog::Call& call) {
  const auto& args = call.args;
  std::vector<std::string> out;
  const std::size_t shown = std::min(args.size(), kMaxArgs);
  out.reserve(shown);
  for (std::size_t i = 0; i < shown; ++i) {
    if (shown != args.size() && i == shown - 1) {
      out.push_back(fmt::format("... ({} more arguments)", args.size() - shown + 1));
    } else if (std::ranges::find(call.secrets, i) != call.secrets.end()) {
      out.emplace_back("(redacted)");
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

void CommandLog::set_length(Kind kind, std::size_t entries) {
  MutexLock lock(mutex_);
  Log& log = logs_[index_of(kind)];
  log.length = entries;
  while (log.entries.size() > log.length) log.entries.pop_back();
}

void CommandLog::add(Kind kind, const Call& call, std::uint64_t value) {
  std::vector<std::string> kept = shortened(call);
  MutexLock lock(mutex_);
  Log& log = logs_[index_of(kind)];
  if (log.length == 0) return;
  log.entries.push_front(
      {log.next_id++, unix_seconds(call.at), value, std::move(kept), call.client_address, call.client_name});
  while (log.entries.size() > log.length) log.entries.pop_back();
}

std::vector<CommandLog::Entry> CommandLog::newest(Kind kind, std::size_t count) const {
  MutexLock lock(mutex_);
  const std::deque<Entry>& entries = logs_[index_of(kind)].entries;
  return {entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries.size()))};
}

std::size_t CommandLog::size(Kind kind) const {
  MutexLock lock(mutex_);
  return logs_[index_of(kind)].entries.size();
}

void CommandLog::reset(Kind kind) {
  MutexLock lock(mutex_);
  logs_[index_of(kind)].entries.clear();
}

}  // namespace ashlar::server
