/// Clients that wait until their writes are kept elsewhere (WAIT) or on disks (WAITAOF). Thread: the control loop's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "command/session.h"
#include "net/event_loop.h"
#include "replication/ports.h"
#include "replication/replicas.h"

namespace ashlar::replication {

/// What has to be kept, and by how many.
struct KeepGoal {
  Replicas::Kept where = Replicas::Kept::kInMemory;
  std::int64_t offset = 0;         // of the stream
  std::uint64_t replicas = 0;      // at least so many
  std::uint64_t local = 0;         // 1: our own append-only file too
  std::uint64_t log_position = 0;  // in it
};

/// How far a goal is reached.
struct KeepState {
  std::uint64_t replicas = 0;
  std::uint64_t local = 0;  // 0 or 1
  bool log_is_off = false;  // so `local` will never be reached
  [[nodiscard]] bool reaches(const KeepGoal& goal) const noexcept {
    return replicas >= goal.replicas && local >= goal.local;
  }
};
/// Thread: any.
[[nodiscard]] KeepState keep_state(const KeepGoal& goal, const Replicas& replicas, const Host& host);
/// The reply of WAIT or WAITAOF.
void write_keep_state(resp::Encoder& reply, const KeepGoal& goal, const KeepState& state);
inline constexpr std::string_view kNoLogForWaitaof =
    "WAITAOF cannot be used when numlocal is set but appendonly is disabled.";

class Waiters {
 public:
  /// Both must outlive the object.
  Waiters(net::EventLoop& loop, const Replicas& replicas, const Host& host) noexcept
      : loop_(loop), replicas_(replicas), host_(host) {}

  /// `done` gets the reply when the goal is reached or at the deadline.
  void add(ClientId client, const KeepGoal& goal, std::optional<MonoTime> deadline, command::Completion done);
  void forget(ClientId client);
  enum class Early : std::uint8_t { kAsTimeout, kAsError };
  /// Ends the wait of that client before its time. False when it does not wait.
  bool end(ClientId client, Early how);
  /// Ends all waits with an error (we are a replica now).
  void cancel();
  /// Answers those whose goal is reached or whose time is over.
  void check();
  [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }
  /// Whether somebody waits for our own disk. Thread: any.
  [[nodiscard]] bool wait_for_log() const noexcept { return wait_for_log_.load(); }

 private:
  struct Waiter {
    ClientId client;
    KeepGoal goal;
    std::optional<MonoTime> deadline;
    command::Completion done;
  };
  void note_waits();

  net::EventLoop& loop_;
  const Replicas& replicas_;
  const Host& host_;
  std::vector<Waiter> waiters_;
  std::atomic<bool> wait_for_log_{false};
};

}  // namespace ashlar::replication
