/// Where a command with keys belongs, as the cluster sees it. A port: the cluster implements it, the dispatcher asks it.
#pragma once

#include <optional>
#include <span>

#include "base/error.h"
#include "command/session.h"
#include "command/spec.h"
#include "keyspace/db.h"
#include "keyspace/key_ref.h"

namespace ashlar::command {

class Router {
 public:
  virtual ~Router() = default;
  /// nullopt: run it here. Otherwise the redirection or refusal to answer (MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN).
  /// Called with the slots of `keys` locked (never empty), so that what it sees of their presence holds while the command
  /// runs. Thread: any loop.
  [[nodiscard]] virtual std::optional<Error> redirect(const CommandSpec& spec,
                                                      std::span<const keyspace::KeyRef> keys, const Session& session,
                                                      keyspace::Db& db) = 0;
};

}  // namespace ashlar::command
