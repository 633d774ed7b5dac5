/// How stream commands reply ids and entries. Thread: the loop that runs the command.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "command/context.h"
#include "keyspace/values/stream.h"
#include "resp/encoder.h"

namespace ashlar::commands {

/// "ms-seq" as a bulk string.
void reply_id(resp::Encoder& reply, keyspace::StreamId id);
/// The present entry of `range`: its id and an array of fields and values.
void reply_entry(resp::Encoder& reply, keyspace::StreamRange& range);
/// The entry of that id, which is in the stream or not. False, without a reply, when it is not.
[[nodiscard]] bool reply_entry_of(resp::Encoder& reply, const keyspace::Stream& stream, keyspace::StreamId id);
/// An array of the entries that `range` still has, at most `count`.
void reply_range(resp::Encoder& reply, keyspace::StreamRange range, std::optional<std::uint64_t> count);

/// "-NOGROUP ..." with a text that names key and group.
void no_group_error(command::Context& ctx, std::string_view text);
/// "-ERR unknown subcommand or wrong number of arguments for ..." of XGROUP and XINFO.
void subcommand_syntax_error(command::Context& ctx);

}  // namespace ashlar::commands
