/// SLOWLOG and COMMANDLOG. Thread: any loop.
#pragma once

#include "command/context.h"
#include "command/table.h"
#include "server/command_log.h"

namespace ashlar::server {

class LogCommands {
 public:
  /// `log` must outlive the family.
  explicit LogCommands(CommandLog& log) : log_(log) {}
  void register_in(command::CommandTable& table);

  void slow_get(command::Context& ctx);
  void slow_len(command::Context& ctx);
  void slow_reset(command::Context& ctx);
  void get(command::Context& ctx);
  void len(command::Context& ctx);
  void reset(command::Context& ctx);

 private:
  void reply_entries(command::Context& ctx, CommandLog::Kind kind, std::size_t count) const;
  CommandLog& log_;
};

}  // namespace ashlar::server
