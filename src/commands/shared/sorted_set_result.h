/// The end of every command that stores a sorted set. Thread: any.
#pragma once

#include <string_view>

#include "command/context.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::commands {

/// Puts `result` at `key` in place of whatever is there, or removes the key when it is empty; counts `changes` changes
/// for the first, notifies `event`, and replies the number of elements. Thread: the command's.
void store_sorted_set(command::Context& ctx, const command::KeyRef& key, keyspace::Owned<keyspace::SortedSet> result,
                      std::string_view event, std::uint64_t changes = 1);

}  // namespace ashlar::commands
