/// One command as COMMAND INFO and COMMAND DOCS show it. Thread: any.
#pragma once

#include "command/table.h"
#include "resp/encoder.h"

namespace ashlar::server {

/// The ten fields of COMMAND INFO, subcommands included.
void reply_command_info(resp::Encoder& reply, const command::Command& command);
/// Name and map of COMMAND DOCS, subcommands included: two replies, for a map.
void reply_command_docs(resp::Encoder& reply, const command::Command& command);
/// A set of status replies.
void reply_words(resp::Encoder& reply, std::span<const std::string_view> words, std::string_view prefix = {});

}  // namespace ashlar::server
