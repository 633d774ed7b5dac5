/// A command that waits for data, as it will be run again. Shared by its connection and the keys it waits for.
/// Thread: constant once made, but `gone`, which any thread may look at, and `done`, which is guarded by the slots of
/// all its keys together; `session` and the run itself belong to whoever holds these slots.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "command/blocking.h"
#include "command/session.h"
#include "command/table.h"
#include "keyspace/interests.h"
#include "resp/encoder.h"
#include "server/push/inbox.h"

namespace ashlar::server {

/// The connection as the command saw it. It may wait again, which keeps its place.
class StandIn final : public command::Session {
 public:
  explicit StandIn(const command::Session& of) : Session(of.origin()) {
    id = of.id;
    db = of.db;
    name = of.name;
    become(of.user());
    authenticated = of.authenticated;
    asking = of.asking;
    cluster_readonly = of.cluster_readonly;
    no_touch = of.no_touch;
    no_evict = of.no_evict;
    last_write = of.last_write;
  }
};

class BlockedCommand final : public keyspace::Waiter {
 public:
  BlockedCommand(const command::Command& command, const command::Session& session, resp::Version version)
      : command(&command), session(session), version(version) {}

  const command::Command* command;
  std::vector<std::string> words;
  std::vector<std::string_view> args;     // views into words
  std::vector<keyspace::KeyRef> keys;     // all keys of the command: their slots are locked for it
  std::vector<keyspace::KeyRef> awaited;  // those it waits for
  keyspace::Type type{};
  command::WakeOn wake_on{};
  StandIn session;
  resp::Version version;
  command::Delivery deliver;
  std::size_t request_bytes = 0;  // as it came in
  std::size_t word_bytes = 0;     // of words
  Inbox* reader = nullptr;        // of its loop, when its connection tracks what it reads
  bool done = false;              // served or given up: it is in no list any more
  std::atomic<bool> gone{false};  // its connection has ended: nothing is taken for it any more
};

}  // namespace ashlar::server
