/// SAVE, BGSAVE, BGREWRITEAOF, LASTSAVE. Thread: any loop.
#pragma once

#include "command/table.h"
#include "server/persistence.h"

namespace ashlar::server {

class PersistenceCommands {
 public:
  explicit PersistenceCommands(Persistence& persistence) : persistence_(persistence) {}
  void register_in(command::CommandTable& table);

  void save(command::Context& ctx);
  void bgsave(command::Context& ctx);
  void bgrewriteaof(command::Context& ctx);
  void lastsave(command::Context& ctx);

 private:
  Persistence& persistence_;
};

}  // namespace ashlar::server
