#include "commands/list/commands.h"

namespace ashlar::commands {

void register_list_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
