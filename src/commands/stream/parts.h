/// The registration functions of this folder, one for each source file.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_stream_writes(command::CommandTable& table);
void register_stream_ranges(command::CommandTable& table);
void register_stream_reads(command::CommandTable& table);
void register_stream_groups(command::CommandTable& table);
void register_stream_pending(command::CommandTable& table);
void register_stream_info(command::CommandTable& table);

}  // namespace ashlar::commands
