#include "server/acl/denial_log.h"

#include <algorithm>

namespace ashlar::acl {
namespace {

constexpr std::size_t kCompared = 10;  // newest entries that are looked at for an equal one
constexpr Seconds kTogether{60};

}  // namespace

void DenialLog::set_length(std::size_t entries) {
  MutexLock lock(mutex_);
  length_ = entries;
  while (entries_.size() > length_) entries_.pop_back();
}

void DenialLog::add(command::Denial denial, command::Permissions::Where where, std::string user, std::string client,
                    WallTime now) {
  totals_[static_cast<std::size_t>(denial.reason)].fetch_add(1, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  const auto equal = [&](const Entry& old) {
    return old.denial.reason == denial.reason && old.where == where && now - old.updated <= kTogether &&
           old.updated - now <= kTogether && old.denial.object == denial.object && old.user == user;
  };
  const auto end = entries_.begin() + static_cast<std::ptrdiff_t>(std::min(kCompared, entries_.size()));
  const auto found = std::find_if(entries_.begin(), end, equal);
  if (found != end) {
    Entry entry = std::move(*found);
    entries_.erase(found);
    ++entry.count;
    entry.client = std::move(client);
    entry.updated = now;
    entries_.push_front(std::move(entry));
    return;
  }
  entries_.push_front({next_id_++, 1, std::move(denial), where, std::move(user), std::move(client), now, now});
  while (entries_.size() > length_) entries_.pop_back();
}

std::vector<DenialLog::Entry> DenialLog::newest(std::size_t count) const {
  MutexLock lock(mutex_);
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(std::min(count, entries_.size()))};
}

void DenialLog::reset() {
  MutexLock lock(mutex_);
  entries_.clear();
}

}  // namespace ashlar::acl
