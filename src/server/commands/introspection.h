/// COMMAND and its subcommands: what clients may know about the commands of this server. Everything is told from the
/// command table. Thread: any loop.
#pragma once

#include "command/context.h"
#include "command/table.h"

namespace ashlar::server {

class IntrospectionCommands {
 public:
  /// `table` must outlive the family and be complete before the first command runs.
  explicit IntrospectionCommands(const command::CommandTable& table) : table_(table) {}

  void command(command::Context& ctx);
  void count(command::Context& ctx);
  void list(command::Context& ctx);
  void info(command::Context& ctx);
  void docs(command::Context& ctx);
  void getkeys(command::Context& ctx);
  void getkeysandflags(command::Context& ctx);
  void help(command::Context& ctx);

 private:
  const command::CommandTable& table_;
};

/// Commands that clients can call now, in the order of registration: without subcommands and without those that
/// rename-command took away.
[[nodiscard]] std::vector<const command::Command*> callable_commands(const command::CommandTable& table);

void register_introspection_commands(command::CommandTable& table, IntrospectionCommands& family);

}  // namespace ashlar::server
