#include "commands/stream/commands.h"

#include "commands/stream/parts.h"

namespace ashlar::commands {

void register_stream_commands(command::CommandTable& table) {
  register_stream_writes(table);
  register_stream_ranges(table);
  register_stream_reads(table);
  register_stream_groups(table);
  register_stream_pending(table);
  register_stream_info(table);
}

}  // namespace ashlar::commands
