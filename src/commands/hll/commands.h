/// All commands on HyperLogLogs in strings. Thread: registered by one, run by any.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_hll_commands(command::CommandTable& table);

}  // namespace ashlar::commands
