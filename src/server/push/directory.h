/// Which loop each connection lives on, for those who know only its id. Thread: any; one short lock.
#pragma once

#include <unordered_map>

#include "base/ids.h"
#include "base/sync.h"
#include "server/push/inbox.h"

namespace ashlar::server {

class ClientDirectory {
 public:
  /// `inbox` must outlive the entry.
  void add(ClientId id, Inbox& inbox) {
    MutexLock lock(mutex_);
    inboxes_.insert_or_assign(id.value, &inbox);
  }
  void remove(ClientId id) {
    MutexLock lock(mutex_);
    inboxes_.erase(id.value);
  }
  [[nodiscard]] bool contains(ClientId id) {
    MutexLock lock(mutex_);
    return inboxes_.contains(id.value);
  }
  /// Sends a parcel to the loop of a connection. False when there is no such connection.
  [[nodiscard]] bool send(ClientId id, SharedParcel parcel) {
    MutexLock lock(mutex_);
    const auto found = inboxes_.find(id.value);
    if (found == inboxes_.end()) return false;
    found->second->send(std::move(parcel));
    return true;
  }

 private:
  Mutex mutex_;
  std::unordered_map<std::uint64_t, Inbox*> inboxes_ ASH_GUARDED_BY(mutex_);
};

}  // namespace ashlar::server
