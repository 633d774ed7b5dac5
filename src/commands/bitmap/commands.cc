#include "commands/bitmap/commands.h"

namespace ashlar::commands {

void register_bitmap_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
