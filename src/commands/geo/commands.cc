#include "commands/geo/commands.h"

namespace ashlar::commands {

void register_geo_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
