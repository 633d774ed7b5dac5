/// Asks whether the user of a session may run a command. A port: the server's access control implements it; whoever
/// runs commands (dispatcher, transactions, scripts) asks it, once for each command.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "command/session.h"
#include "command/table.h"

namespace ashlar::command {

class Permissions {
 public:
  /// Where a command was found, for the error and the log of refusals. kExec: let into a transaction before, and run
  /// by EXEC now.
  enum class Where : std::uint8_t { kTopLevel, kTransaction, kExec, kScript };

  virtual ~Permissions() = default;
  /// The error to answer (NOPERM, with the refusal logged), or nullopt when the command may run. Only worth calling
  /// when session.restricted(). Thread: any loop.
  [[nodiscard]] virtual std::optional<Error> check(const Session& session, const Command& command,
                                                   std::span<const std::string_view> args, Where where) = 0;
  /// Gives a session that is no connection, and so is not told of changes, the present state of its user. False: there
  /// is no such user any more. Thread: any; takes one lock and no other inside.
  [[nodiscard]] virtual bool refresh(Session& session) const = 0;
};

}  // namespace ashlar::command
