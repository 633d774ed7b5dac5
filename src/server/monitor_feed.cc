#include "server/push/monitors.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "server/worker.h"

namespace ashlar::server {

namespace {

class Line final : public Parcel {
 public:
  explicit Line(std::string text) : text_(std::move(text)) {}
  void deliver(Worker& worker) const override {
    for (Client* client : worker.monitors()) worker.push_raw(*client, text_);
  }

 private:
  std::string text_;
};

}  // namespace

std::string monitor_line(WallTime now, DbIndex db, std::string_view source, std::span<const std::string_view> args) {
  const std::int64_t micros = now.time_since_epoch().count();
  std::string line = fmt::format("+{}.{:06} [{} {}]", micros / 1'000'000, micros % 1'000'000, db.value, source);
  for (const std::string_view arg : args) {
    line += ' ';
    line += quoted(arg);
  }
  line += "\r\n";
  return line;
}

void Monitors::add(Inbox& inbox) {
  MutexLock lock(mutex_);
  const auto mine = std::ranges::find(loops_, &inbox, &Loop::inbox);
  if (mine == loops_.end()) {
    loops_.push_back({&inbox, 1});
  } else {
    ++mine->monitors;
  }
  count_.fetch_add(1, std::memory_order_relaxed);
}

void Monitors::remove(Inbox& inbox) {
  MutexLock lock(mutex_);
  const auto mine = std::ranges::find(loops_, &inbox, &Loop::inbox);
  ASH_CHECK(mine != loops_.end());
  if (--mine->monitors == 0) loops_.erase(mine);
  count_.fetch_sub(1, std::memory_order_relaxed);
}

void Monitors::feed(WallTime now, DbIndex db, std::string_view source, std::span<const std::string_view> args) {
  const auto line = std::make_shared<const Line>(monitor_line(now, db, source, args));  // shared by the loops
  MutexLock lock(mutex_);
  for (const Loop& loop : loops_) loop.inbox->send(line);
}

}  // namespace ashlar::server
