#include "commands/set/commands.h"

#include "commands/set/parts.h"

namespace ashlar::commands {

void register_set_commands(command::CommandTable& table) {
  register_set_edits(table);
  register_set_reads(table);
  register_set_random(table);
  register_set_algebra(table);
}

}  // namespace ashlar::commands
