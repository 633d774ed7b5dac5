/// CLIENT and its subcommands. Those that concern other connections visit their loops (WorkerPool::gather), so the
/// reply comes when the last loop has been asked. Thread: any loop.
#pragma once

#include "command/context.h"
#include "command/table.h"
#include "replication/link_facts.h"
#include "server/client_pause.h"
#include "server/commands/client_filter.h"
#include "server/gates.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class ClientCommands {
 public:
  /// Ends a WAIT or WAITAOF of that connection; `done` is told, from any thread, whether there was one.
  using EndKeepWait = std::function<void(ClientId, Worker::WaitEnd, std::function<void(bool)> done)>;
  /// Ends connections to replicas, or to the primary, that have left the loops; `done` is told, from any thread, how
  /// many.
  using PicksLink = std::function<bool(const replication::LinkFacts&)>;
  using EndLinks =
      std::function<void(ClientFilter::Kind, const PicksLink& which, std::function<void(std::size_t)> done)>;
  /// Those connections. Thread: any.
  using Links = std::function<std::vector<replication::LinkFacts>(ClientFilter::Kind)>;
  /// All must outlive the family.
  struct Parts {
    WorkerPool& workers;
    ClientPause& pause;
    const acl::Users& users;
    const Gates& gates;
    EndKeepWait end_keep_wait;
    EndLinks end_links;
    Links links;
  };
  explicit ClientCommands(Parts parts) : parts_(std::move(parts)) {}

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
  struct Lines;
  void add_links(const ClientFilter& filter, MonoTime now, Lines& lines) const;

  Parts parts_;
};

void register_client_commands(command::CommandTable& table, ClientCommands& family);

}  // namespace ashlar::server
