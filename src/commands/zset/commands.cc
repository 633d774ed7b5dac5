#include "commands/zset/commands.h"

namespace ashlar::commands {

void register_zset_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
