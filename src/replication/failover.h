/// FAILOVER: hands our role to a replica that has everything. Writes are held back, a replica catches up, we become
/// its replica and ask it with PSYNC ... FAILOVER to take over. Thread: the control loop's, except state().
/// Source: the FAILOVER command of Redis 6.2.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "replication/ports.h"
#include "replication/replicas.h"
#include "replication/stream.h"

namespace ashlar::replication {

struct FailoverRequest {
  std::optional<net::Endpoint> target;  // nullopt: whoever has caught up first
  std::optional<Millis> timeout;        // nullopt: as long as it takes
  enum class AtTimeout : std::uint8_t { kGiveUp, kForce } at_timeout = AtTimeout::kGiveUp;
};

/// Invariant: writes are held back exactly while state() is not kNone.
class Failover {
 public:
  enum class State : std::uint8_t { kNone, kWaitForSync, kInProgress };
  struct Parts {
    net::EventLoop& loop;
    Host& host;
    Replicas& replicas;
    Stream& stream;
    std::function<void(const net::Endpoint&)> follow;  // our heir
    std::function<void()> promote;                     // take the role back
  };
  explicit Failover(Parts parts) : parts_(std::move(parts)) {}

  /// Thread: any.
  [[nodiscard]] State state() const noexcept { return state_.load(std::memory_order_relaxed); }
  /// Begins. Errors: what FAILOVER answers; nothing has changed.
  [[nodiscard]] Result<void> begin(const FailoverRequest& request);
  /// Errors: no failover is under way.
  [[nodiscard]] Result<void> abort();
  /// Looks whether a replica has caught up. Ten times a second.
  void tick();
  /// What the heir answered to PSYNC ... FAILOVER.
  enum class Answer : std::uint8_t { kAccepted, kRefused };
  void answered(Answer answer);

 private:
  void give_up(std::string_view why);
  void hand_over(const net::Endpoint& heir);
  void clear();

  Parts parts_;
  std::atomic<State> state_{State::kNone};
  FailoverRequest request_;
  std::optional<MonoTime> deadline_;
};

}  // namespace ashlar::replication
