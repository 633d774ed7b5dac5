#include "commands/string/commands.h"

namespace ashlar::commands {

void StringCommands::register_in(command::CommandTable& table) {
  register_string_reads(table);
  register_string_writes(table);
  register_string_many(table);
  register_string_counters(table);
  register_string_edits(table, *this);
  register_string_lcs(table, *this);
}

}  // namespace ashlar::commands
