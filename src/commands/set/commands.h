/// All commands on sets. Thread: registered by one, run by any.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_set_commands(command::CommandTable& table);

}  // namespace ashlar::commands
