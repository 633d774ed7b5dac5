#include "commands/list/commands.h"

#include "commands/list/parts.h"

namespace ashlar::commands {

void register_list_commands(command::CommandTable& table) {
  register_list_pushes(table);
  register_list_pops(table);
  register_list_reads(table);
  register_list_edits(table);
  register_list_moves(table);
  register_list_waits(table);
}

}  // namespace ashlar::commands
