/// How changes of consumer groups are recorded: as commands that set the result, whatever was there before.
/// Thread: the loop that runs the command. Source: what Redis 7.2 sends to replicas for XREADGROUP and XCLAIM.
#pragma once

#include <string_view>

#include "command/context.h"
#include "keyspace/values/stream.h"

namespace ashlar::commands {

/// A group that a command works on, with the names under which changes are recorded.
struct GroupPlace {
  std::string_view key;
  std::string_view name;
  keyspace::StreamGroup& group;
};

/// "XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n FORCE JUSTID LASTID id".
void record_claim(command::Context& ctx, const GroupPlace& place, keyspace::StreamId id,
                  const keyspace::StreamPending& entry);
/// "XGROUP SETID key group id ENTRIESREAD n".
void record_group_id(command::Context& ctx, const GroupPlace& place);

/// The consumer of that name, seen now. A new one counts as a change and is notified; `fresh` says so.
keyspace::StreamGroup::Created see_consumer(command::Context& ctx, const keyspace::KeyRef& key,
                                            keyspace::StreamGroup& group, std::string_view name);

}  // namespace ashlar::commands
