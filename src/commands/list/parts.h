/// What the files of this folder share: reading arguments that several list commands have, and popping.
/// Thread: any.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "command/arg_parser.h"
#include "command/context.h"
#include "command/table.h"
#include "keyspace/values/list.h"

namespace ashlar::commands {

// One for each file; called by register_list_commands().
void register_list_pushes(command::CommandTable& table);
void register_list_pops(command::CommandTable& table);
void register_list_reads(command::CommandTable& table);
void register_list_edits(command::CommandTable& table);
void register_list_moves(command::CommandTable& table);
void register_list_waits(command::CommandTable& table);

/// LEFT or RIGHT. Errors: kSyntax.
[[nodiscard]] keyspace::ListEnd read_end(command::ArgParser& in);

/// "lpush" / "rpush", "lpop" / "rpop": names of events.
[[nodiscard]] std::string_view push_event(keyspace::ListEnd end) noexcept;
[[nodiscard]] std::string_view pop_event(keyspace::ListEnd end) noexcept;

/// Replies with an array of `count` elements (1..size()) at `end`, the outermost first.
void reply_elements(command::Context& ctx, const keyspace::List& list, keyspace::ListEnd end, std::uint64_t count);
/// One element as a bulk.
void reply_element(command::Context& ctx, const ds::PackedValue& value);
/// Removes `count` elements at `end` of the list at `key` (which has as many) and does all that follows: count, event,
/// those who watch, the key itself when the list is empty.
void pop_elements(command::Context& ctx, const command::KeyRef& key, keyspace::List& list, keyspace::ListEnd end,
                  std::uint64_t count);

/// What LMPOP and BLMPOP say behind their keys.
struct MultiPop {
  std::span<const command::KeyRef> keys;
  keyspace::ListEnd end;
  std::uint64_t count;
};
/// Reads numkeys, keys, end and COUNT from argument `first` on. Errors: as Redis words them.
[[nodiscard]] Result<MultiPop> read_multi_pop(const command::Context& ctx, std::size_t first);
/// Pops from the first of the keys that has a list and replies with key and elements, or with the error; false, without
/// a reply, when none has. Records LPOP or RPOP.
[[nodiscard]] bool pop_from_first(command::Context& ctx, const MultiPop& pop);

/// Moves an element between two lists (or within one) and replies with it, or with the error; false, without a reply,
/// when there is no source.
[[nodiscard]] bool move_element(command::Context& ctx, keyspace::ListEnd from, keyspace::ListEnd to);

}  // namespace ashlar::commands
