/// The families of commands about the server itself, made and registered together. Thread: made and registered by the
/// composition root; handlers on any loop.
#pragma once

#include "server/client_pause.h"
#include "server/commands/acl.h"
#include "server/commands/client.h"
#include "server/commands/debug.h"
#include "server/commands/introspection.h"
#include "server/commands/latency.h"
#include "server/commands/logs.h"
#include "server/commands/memory.h"

namespace ashlar::server {

class OwnCommands {
 public:
  /// All of these must outlive the object.
  struct Parts {
    command::CommandTable& table;
    WorkerPool& workers;
    ClientPause& pause;
    const Gates& gates;
    ClientCommands::EndKeepWait end_keep_wait;
    ClientCommands::EndLinks end_links;
    ClientCommands::Links links;
    CommandLog& log;
    AclCommands::Parts acl;
    const MemoryAccounts& memory;
    LatencyCommands::Parts latency;
    DebugCommands::Parts debug;
  };
  explicit OwnCommands(const Parts& parts);

  /// Adds all commands to the table.
  void register_all();
  /// Before the loops start, with all commands registered.
  void start(Dispatcher& dispatcher) { debug_.start(dispatcher); }

 private:
  Parts parts_;
  IntrospectionCommands introspection_;
  ClientCommands client_;
  AclCommands acl_;
  LogCommands logs_;
  MemoryCommands memory_;
  LatencyCommands latency_;
  DebugCommands debug_;
};

}  // namespace ashlar::server
