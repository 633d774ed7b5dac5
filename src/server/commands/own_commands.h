/// The families of commands about the server itself, made and registered together. Thread: made and registered by the
/// composition root; handlers on any loop.
#pragma once

#include "server/client_pause.h"
#include "server/commands/client.h"
#include "server/commands/introspection.h"

namespace ashlar::server {

class OwnCommands {
 public:
  /// All of these must outlive the object.
  struct Parts {
    command::CommandTable& table;
    WorkerPool& workers;
    ClientPause& pause;
  };
  explicit OwnCommands(const Parts& parts);

  /// Adds all commands to the table.
  void register_all();

 private:
  Parts parts_;
  IntrospectionCommands introspection_;
  ClientCommands client_;
};

}  // namespace ashlar::server
