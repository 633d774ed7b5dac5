/// All commands on sorted sets. Thread: registered by one, run by any.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_zset_commands(command::CommandTable& table);

}  // namespace ashlar::commands
