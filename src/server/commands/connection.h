/// Commands about the connection they come from: AUTH, HELLO, PING, SELECT, ... Thread: any loop.
#pragma once

#include "command/context.h"
#include "server/acl/gatekeeper.h"
#include "server/acl/users.h"
#include "server/config_service.h"
#include "server/worker_pool.h"

namespace ashlar::server {

class ConnectionCommands {
 public:
  struct Parts {
    const Published<config::Config>& config;
    WorkerPool& workers;
    const acl::Users& users;
    acl::Gatekeeper& gate;
    std::uint32_t databases;
    /// "master" or "replica", for HELLO; and "standalone" or "cluster".
    std::function<std::string_view()> role;
    enum class Mode : std::uint8_t { kStandalone, kCluster };
    std::function<Mode()> mode;
  };
  explicit ConnectionCommands(Parts parts) : parts_(std::move(parts)) {}

  void ping(command::Context& ctx);
  void echo(command::Context& ctx);
  void select(command::Context& ctx);
  void auth(command::Context& ctx);
  void hello(command::Context& ctx);
  void quit(command::Context& ctx);
  void reset(command::Context& ctx);
  void monitor(command::Context& ctx);

 private:
  [[nodiscard]] bool login(command::Context& ctx, std::string_view user, std::string_view password) const;
  Parts parts_;
};

/// Names of connections go into the one-line CLIENT LIST: printable, no blanks.
[[nodiscard]] bool valid_client_name(std::string_view name) noexcept;

}  // namespace ashlar::server
