/// The commands that belong to the server itself. Each family is an object with the parts it needs; its members are
/// handlers.
#pragma once

#include "command/table.h"
#include "server/commands/admin.h"
#include "server/commands/connection.h"

namespace ashlar::server {

void register_connection_commands(command::CommandTable& table, ConnectionCommands& family);
void register_admin_commands(command::CommandTable& table, AdminCommands& family);

}  // namespace ashlar::server
