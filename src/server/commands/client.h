/// CLIENT and its subcommands. Those that concern other connections visit their loops (WorkerPool::gather), so the
/// reply comes when the last loop has been asked. Thread: any loop.
#pragma once

#include "command/context.h"
#include "command/table.h"
#include "server/client_pause.h"
#include "server/gates.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class ClientCommands {
 public:
  /// All must outlive the family.
  struct Parts {
    WorkerPool& workers;
    ClientPause& pause;
    const acl::Users& users;
    const Gates& gates;
  };
  explicit ClientCommands(const Parts& parts) : parts_(parts) {}

  void capa(command::Context& ctx);
  void id(command::Context& ctx);
  void import_source(command::Context& ctx);
  void getname(command::Context& ctx);
  void setname(command::Context& ctx);
  void setinfo(command::Context& ctx);
  void info(command::Context& ctx);
  void list(command::Context& ctx);
  void kill(command::Context& ctx);
  void reply(command::Context& ctx);
  void no_evict(command::Context& ctx);
  void no_touch(command::Context& ctx);
  void pause(command::Context& ctx);
  void unpause(command::Context& ctx);
  void unblock(command::Context& ctx);
  void help(command::Context& ctx);

 private:
  Parts parts_;
};

void register_client_commands(command::CommandTable& table, ClientCommands& family);

}  // namespace ashlar::server
