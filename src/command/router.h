/// Where a command with keys belongs, as the cluster sees it. A port: the cluster implements it, the dispatcher asks
/// it.
#pragma once

#include <span>
#include <variant>

#include "base/error.h"
#include "command/session.h"
#include "command/spec.h"
#include "keyspace/db.h"
#include "keyspace/key_ref.h"

namespace ashlar::command {

/// Run it here.
struct Serve {};
/// Answer this redirection or refusal: MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN.
struct Refuse {
  Error error;
};
using Route = std::variant<Serve, Refuse>;

class Router {
 public:
  virtual ~Router() = default;
  /// Where a command with these flags on these keys belongs. Those of a script say what the script may do.
  /// Called with the slots of `keys` locked (never empty), so that what it sees of their presence holds while the
  /// command runs. Thread: any loop.
  [[nodiscard]] virtual Route route(Flag flags, std::span<const keyspace::KeyRef> keys, const Session& session,
                                    keyspace::Db& db) = 0;
};

}  // namespace ashlar::command
