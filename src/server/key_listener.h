/// Hears of changed keys for all who must know, and tells each its part.
/// Thread: any, with the slot locked (see keyspace/events.h).
#pragma once

#include "keyspace/events.h"
#include "server/tracking/table.h"

namespace ashlar::server {

class KeyListener final : public keyspace::ModificationListener {
 public:
  explicit KeyListener(tracking::Table& tracking) : tracking_(tracking) {}

  void key_modified(DbIndex, const keyspace::KeyRef& key, ClientId actor) override {
    tracking_.key_modified(key, actor);
  }
  void flushed(std::optional<DbIndex>) override { tracking_.flushed(); }

 private:
  tracking::Table& tracking_;
};

}  // namespace ashlar::server
