/// LATENCY and its subcommands. Thread: any loop.
#pragma once

#include "base/ticks.h"
#include "command/context.h"
#include "command/table.h"
#include "server/command_stats.h"
#include "server/latency_monitor.h"

namespace ashlar::server {

class LatencyCommands {
 public:
  /// All must outlive the family.
  struct Parts {
    LatencyMonitor& monitor;
    const StatsRegistry& stats;
    const command::CommandTable& table;
    const TickRate& rate;
  };
  explicit LatencyCommands(const Parts& parts) : parts_(parts) {}
  void register_in(command::CommandTable& table);

  void doctor(command::Context& ctx);
  void graph(command::Context& ctx);
  void histogram(command::Context& ctx);
  void history(command::Context& ctx);
  void latest(command::Context& ctx);
  void reset(command::Context& ctx);

 private:
  Parts parts_;
};

}  // namespace ashlar::server
