#include "server/commands/own_commands.h"

namespace ashlar::server {

OwnCommands::OwnCommands(const Parts& parts)
    : parts_(parts), introspection_(parts.table), client_({parts.workers, parts.pause}) {}

void OwnCommands::register_all() {
  register_introspection_commands(parts_.table, introspection_);
  register_client_commands(parts_.table, client_);
}

}  // namespace ashlar::server
