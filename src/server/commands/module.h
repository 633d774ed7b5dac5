/// MODULE: there are none, and the commands say so. Thread: any loop.
#pragma once

#include "command/table.h"

namespace ashlar::server {

void register_module_commands(command::CommandTable& table);

}  // namespace ashlar::server
