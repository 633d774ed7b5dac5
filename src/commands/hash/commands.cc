#include "commands/hash/commands.h"

namespace ashlar::commands {

void register_hash_commands(command::CommandTable& /*table*/) {}

}  // namespace ashlar::commands
