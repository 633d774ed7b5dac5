/// MULTI, EXEC, DISCARD, WATCH and UNWATCH. Thread: any loop.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_transaction_commands(command::CommandTable& table);

}  // namespace ashlar::commands
