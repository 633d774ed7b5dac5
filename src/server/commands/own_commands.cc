#include "server/commands/own_commands.h"

#include "server/commands/lolwut.h"
#include "server/commands/module.h"

namespace ashlar::server {

OwnCommands::OwnCommands(const Parts& parts)
    : parts_(parts),
      introspection_(parts.table),
      client_({parts.workers, parts.pause, parts.acl.users, parts.gates, parts.end_keep_wait, parts.end_links,
               parts.links}),
      acl_(parts.acl),
      logs_(parts.log),
      memory_(parts.memory),
      latency_(parts.latency),
      debug_(parts.debug) {}

void OwnCommands::register_all() {
  register_introspection_commands(parts_.table, introspection_);
  register_client_commands(parts_.table, client_);
  acl_.register_in(parts_.table);
  logs_.register_in(parts_.table);
  memory_.register_in(parts_.table);
  latency_.register_in(parts_.table);
  debug_.register_in(parts_.table);
  register_lolwut(parts_.table);
  register_module_commands(parts_.table);
}

}  // namespace ashlar::server
