/// What a command may know and change of the connection it came from. The server's client object is one.
/// Thread: the connection's loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace ashlar::resp {
class Encoder;
}

namespace ashlar::command {

/// Writes the reply that a command put off.
using LateReply = std::function<void(resp::Encoder&)>;
/// Ends a wait, from any thread, once: the reply is written on the connection's own loop, if it still exists.
using Completion = std::function<void(LateReply)>;

/// Where a command comes from; decides expiry, read-only checks and whether a reply is wanted.
enum class Origin : std::uint8_t {
  kClient,   // somebody's connection
  kPrimary,  // the replication stream of our primary
  kLoader,   // replay of the append-only file
};

enum class ReplyMode : std::uint8_t { kOn, kOff, kSkipNext, kSkipThis };

class Session {
 public:
  explicit Session(Origin origin) : origin_(origin) {}
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Origin origin() const noexcept { return origin_; }

  /// The reply of the present command comes later; commands behind it wait. Sessions without a connection ignore the
  /// reply.
  [[nodiscard]] virtual Completion defer() {
    return [](const LateReply&) {};
  }

  ClientId id{};
  DbIndex db{};
  std::string name;
  std::string library_name;
  std::string library_version;
  std::string user = "default";
  ReplyMode reply_mode = ReplyMode::kOn;
  bool authenticated = false;
  bool asking = false;       // one command long
  bool asking_next = false;  // ASKING was the present command
  bool cluster_readonly = false;
  bool no_touch = false;
  bool no_evict = false;
  bool in_transaction = false;
  bool subscribed = false;   // listens to a channel or pattern: in RESP2 few commands are allowed then
  bool tracks_keys = false;  // CLIENT TRACKING: what it reads is remembered
  bool monitoring = false;   // MONITOR: no command on data
  /// End of the last write of this connection in the replication stream: what WAIT waits for.
  ReplOffset last_write{};

 private:
  Origin origin_;
};

}  // namespace ashlar::command
