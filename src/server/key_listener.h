/// Hears of changed keys for all who must know, and tells each its part. One for each thread that runs commands.
/// Thread: its own, with the slot locked (see keyspace/events.h).
#pragma once

#include "keyspace/events.h"
#include "server/tracking/table.h"

namespace ashlar::server {

class KeyListener final : public keyspace::ModificationListener {
 public:
  explicit KeyListener(tracking::Table& tracking) : tracking_(tracking) {}

  void key_modified(DbIndex, const keyspace::KeyRef& key, ClientId actor) override {
    tracking_.key_modified(key, actor, changed_);
  }
  void flushed(std::optional<DbIndex>) override { tracking_.flushed(); }
  /// Tells broadcasting connections of all that has changed since the last call. No slot is locked.
  void broadcast() {
    if (!changed_.empty()) [[unlikely]]
      tracking_.broadcast(changed_);
  }
  /// The same changes are told in another way.
  void forget() noexcept { changed_.clear(); }

 private:
  tracking::Table& tracking_;
  tracking::ChangedKeys changed_;
};

}  // namespace ashlar::server
