/// INFO, CONFIG, TIME, SHUTDOWN. Thread: any loop.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "command/context.h"
#include "server/config_service.h"
#include "server/gates.h"
#include "server/info.h"
#include "server/run_state.h"
#include "server/shutdown.h"

namespace ashlar::server {

class AdminCommands {
 public:
  struct Parts {
    Info& info;
    ConfigService& config;
    Shutdown& shutdown;
    std::function<void()> reset_statistics;
    /// What clients get while a script is overdue; nullopt while none is.
    std::function<std::optional<std::string>()> busy;
    /// Calls `done` when the control thread goes by the present settings.
    std::function<void(std::function<void()> done)> settle;
    const Gates& gates;
  };
  explicit AdminCommands(Parts parts) : parts_(std::move(parts)) {}

  void info(command::Context& ctx);
  void time(command::Context& ctx);
  void shutdown(command::Context& ctx);
  void config_get(command::Context& ctx);
  void config_set(command::Context& ctx);
  void config_rewrite(command::Context& ctx);
  void config_resetstat(command::Context& ctx);
  void config_help(command::Context& ctx);

 private:
  Parts parts_;
};

}  // namespace ashlar::server
