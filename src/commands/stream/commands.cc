#include "commands/stream/commands.h"

namespace ashlar::commands {

void register_stream_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
