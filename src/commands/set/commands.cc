#include "commands/set/commands.h"

namespace ashlar::commands {

void register_set_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
