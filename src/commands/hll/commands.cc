#include "commands/hll/commands.h"

namespace ashlar::commands {

void register_hll_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
