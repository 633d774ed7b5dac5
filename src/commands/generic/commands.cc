#include "commands/generic/commands.h"

#include "commands/generic/parts.h"

namespace ashlar::commands {

void GenericCommands::register_in(command::CommandTable& table) {
  register_keys(table);
  register_expire(table);
  register_relocate(table, *this);
  register_walk(table);
  register_object(table);
  register_payload(table, *this);
  register_sort(table, *this);
  register_whole(table, *this);
}

}  // namespace ashlar::commands
