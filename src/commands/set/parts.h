/// The parts of the set commands, each in a file of its own. Thread: registered by one, run by any.
#pragma once

#include "command/context.h"
#include "command/table.h"
#include "keyspace/values/set.h"

namespace ashlar::commands {

using keyspace::Set;
using keyspace::SetMember;

void register_set_edits(command::CommandTable& table);
void register_set_reads(command::CommandTable& table);
void register_set_random(command::CommandTable& table);
void register_set_algebra(command::CommandTable& table);

inline void reply_member(resp::Encoder& reply, const ds::PackedValue& member) {
  member.is_integer() ? reply.bulk_i64(member.integer()) : reply.bulk(member.bytes());
}

}  // namespace ashlar::commands
