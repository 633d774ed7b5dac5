#include "commands/hll/commands.h"

#include "commands/hll/parts.h"

namespace ashlar::commands {

void register_hll_commands(command::CommandTable& table) {
  register_hll_count(table);
  register_hll_debug(table);
}

}  // namespace ashlar::commands
