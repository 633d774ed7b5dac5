/// What replication needs of the server it lives in. Implemented by the server.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/ids.h"
#include "base/time.h"
#include "command/session.h"
#include "net/socket.h"

namespace ashlar::replication {

/// Runs the commands of a primary's stream. Thread: the control loop's.
class Applier {
 public:
  virtual ~Applier() = default;
  /// Around a run of apply() calls. kAsOne: nobody sees some of its commands without the others, and the append-only
  /// file holds them as a transaction. What is recorded between the two calls belongs to the same point in time.
  /// kAlone: a single command with nobody else running.
  enum class Run : std::uint8_t { kOneByOne, kAsOne, kAlone };
  virtual void begin(WallTime now, Run run) = 0;
  virtual void end() = 0;
  /// Behind the runs of one read: what they recorded goes to the append-only file, and to the disk where every write
  /// does, once for all of them; then clients who were served by it have their replies.
  virtual void settle() = 0;
  /// kNeedsAll: nothing was done, for in a run of kOneByOne the command would give up the run and take it up again, and
  /// others, who must not see its effects without their place in the stream, could come between.
  enum class Applied : std::uint8_t { kDone, kNeedsAll };
  /// One command; not empty. What it replies is dropped, an error is logged.
  [[nodiscard]] virtual Applied apply(std::span<const std::string_view> args) = 0;
  virtual void select(DbIndex db) = 0;
  [[nodiscard]] virtual DbIndex selected() const = 0;
};

/// What follows from our place in replication for the commands of clients.
struct RoleFacts {
  bool replica = false;
  bool read_only = false;     // a replica that refuses writes
  bool stale = false;         // a replica without its primary that must not answer
  bool few_replicas = false;  // min-replicas-to-write is not met
  bool operator==(const RoleFacts&) const = default;
};

class Host {
 public:
  virtual ~Host() = default;
  /// Thread: the control loop's.
  virtual void show(const RoleFacts& facts) = 0;
  /// Whether the data set is being replaced; thread: any. kBeginsBeside: another is loaded, ours is served meanwhile.
  enum class Loading : std::uint8_t { kBegins, kBeginsBeside, kEnds };
  virtual void loading(Loading state) = 0;
  /// Our data is about to go, for that of the primary is here or comes: what the disk has of it must stay whole.
  /// Thread: any.
  virtual void dataset_goes() = 0;
  /// What came in its place, all of it or what there is of a transfer that nobody takes up again, is our data now: the
  /// append-only file must begin anew. Thread: the control loop's.
  virtual void dataset_replaced() = 0;
  /// Our primary is now this one, none with nullopt: for CONFIG GET and REWRITE. Thread: the control loop's.
  virtual void remember_upstream(const std::optional<net::Endpoint>& upstream) = 0;
  /// Writes of clients are held back, and with them our pings. Thread: the control loop's.
  [[nodiscard]] virtual bool writes_paused() const = 0;
  /// Holds writes back for a failover, or lets them go. After kBegins no write is under way. Thread: the control
  /// loop's.
  enum class Hold : std::uint8_t { kBegins, kEnds };
  virtual void hold_writes(Hold hold) = 0;
  /// Replication::acknowledged() has changed. Thread: the control loop's.
  virtual void acknowledged() = 0;
  /// How far the append-only file has been written to, and how far it is durable, in bytes of its own count; the latter
  /// is not said while the disk has not all of our data yet. Nullopt without such a file. Thread: any.
  struct LogPositions {
    std::uint64_t appended = 0;
    std::optional<std::uint64_t> durable;
  };
  [[nodiscard]] virtual std::optional<LogPositions> log_positions() const = 0;
  /// A number as clients have, for the connection to our primary. Thread: the control loop's.
  [[nodiscard]] virtual ClientId new_connection_id() = 0;
};

/// The socket of a client that became a replica.
struct TakenSocket {
  Fd fd;
  std::string unread;
  ClientId id;
  std::string peer_address;
  std::string local_address;
};

/// How a client's socket is obtained.
class Takeover {
 public:
  virtual ~Takeover() = default;
  enum class Answer : std::uint8_t { kTaken, kNoClient };
  /// `taker` gets the socket on the thread of the client, after the present command. kNoClient: the session has none.
  [[nodiscard]] virtual Answer take(command::Session& session, std::function<void(TakenSocket)> taker) = 0;
};

}  // namespace ashlar::replication
