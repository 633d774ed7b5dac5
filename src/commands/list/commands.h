/// All commands on lists. Thread: registered by one, run by any.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_list_commands(command::CommandTable& table);

}  // namespace ashlar::commands
