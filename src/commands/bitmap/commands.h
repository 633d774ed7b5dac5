/// All commands on bits of strings. Thread: registered by one, run by any.
#pragma once

#include "command/table.h"

namespace ashlar::commands {

void register_bitmap_commands(command::CommandTable& table);

}  // namespace ashlar::commands
