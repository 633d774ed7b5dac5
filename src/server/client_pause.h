/// Holds back commands for a while: CLIENT PAUSE, and whoever else needs quiet (a failover). Each holder has its own
/// pause; a gate stays closed while any of them wants it so. Nobody else opens or closes these gates while clients are
/// served.
#pragma once

#include <array>
#include <optional>

#include "base/sync.h"
#include "base/time.h"
#include "net/event_loop.h"
#include "server/gates.h"
#include "server/worker_pool.h"

namespace ashlar::server {

/// Thread: any. Invariant: a gate for pauses is closed exactly while a holder asks for it. A pause that ran out ends
/// when the control loop next turns.
class ClientPause {
 public:
  enum class Holder : std::uint8_t { kUser, kFailover };
  enum class Scope : std::uint8_t { kWrites, kAll };

  ClientPause(Gates& gates, WorkerPool& workers, net::EventLoop& control)
      : gates_(gates), workers_(workers), control_(control) {}

  /// Pauses until `end`. A pause of the same holder is only ever prolonged and widened by this, never cut short.
  void pause(Holder holder, Scope scope, MonoTime end);
  /// Ends the holder's pause; what was held back runs if no other holds it.
  void unpause(Holder holder);

 private:
  struct Hold {
    Scope scope;
    MonoTime end;
  };
  /// Sets the timer for the pause that ends next. Thread: the control loop's.
  void arm();
  void end_due();
  void set_gates() ASH_REQUIRES(mutex_);
  void let_go();

  Gates& gates_;
  WorkerPool& workers_;
  net::EventLoop& control_;
  std::optional<net::TimerId> timer_;  // the control loop's
  Mutex mutex_;
  std::array<std::optional<Hold>, 2> holds_ ASH_GUARDED_BY(mutex_);  // by Holder
};

}  // namespace ashlar::server
