/// MEMORY and its subcommands. Thread: any loop.
#pragma once

#include "command/context.h"
#include "command/table.h"
#include "server/memory_report.h"

namespace ashlar::server {

class MemoryCommands {
 public:
  /// `accounts` must outlive the family.
  explicit MemoryCommands(const MemoryAccounts& accounts) : accounts_(accounts) {}
  void register_in(command::CommandTable& table);

  void doctor(command::Context& ctx);
  void stats(command::Context& ctx);

 private:
  const MemoryAccounts& accounts_;
};

/// What MEMORY DOCTOR says to a report. Pure.
[[nodiscard]] std::string memory_advice(const MemoryReport& report);

}  // namespace ashlar::server
