#include "commands/geo/commands.h"

#include "commands/geo/parts.h"

namespace ashlar::commands {

void register_geo_commands(command::CommandTable& table) {
  register_geo_adds(table);
  register_geo_reads(table);
  register_geo_searches(table);
}

}  // namespace ashlar::commands
