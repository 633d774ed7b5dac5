/// What a command may know and change of the connection it came from. The server's client object is one.
/// Thread: the connection's loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/time.h"
#include "command/transaction.h"
#include "command/user.h"

namespace ashlar::resp {
class Encoder;
}

namespace ashlar::command {

/// Writes the reply that a command put off.
using LateReply = std::function<void(resp::Encoder&)>;
/// Ends a wait, from any thread, once: the reply is written on the connection's own loop, if it still exists.
using Completion = std::function<void(LateReply)>;

/// Ends a wait for data, from any thread, once: whole replies, and where the last write of the command stands.
using Delivery = std::function<void(std::string_view replies, ReplOffset last_write)>;

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

  /// A session with more bytes of replies than this is ended unread: what would come behind them need not be kept.
  [[nodiscard]] virtual std::size_t reply_limit() const { return std::numeric_limits<std::size_t>::max(); }

  /// Whether a command of this session may wait for data (command/blocking.h).
  [[nodiscard]] virtual bool can_wait() const { return false; }
  /// The present command waits: it is run again elsewhere, and its reply comes by the Delivery. `waiter` is what the
  /// session gives up when its time is over or it ends; shared with the key space.
  [[nodiscard]] virtual Delivery begin_wait(std::shared_ptr<keyspace::Waiter> waiter, std::optional<Millis> timeout) {
    (void)waiter;
    (void)timeout;
    return [](std::string_view, ReplOffset) {};
  }

  /// From now on commands run as `user`, which may be a newer state of the same one.
  void become(std::shared_ptr<const User> user) noexcept {
    restricted_ = user != nullptr && user->reach() == User::Reach::kRestricted;
    user_ = std::move(user);
  }
  /// Null for streams that may do everything (a primary, a file). Shared with the registry of users, which replaces a
  /// user by a new object when its rules change.
  [[nodiscard]] const std::shared_ptr<const User>& user() const noexcept { return user_; }
  [[nodiscard]] std::string_view user_name() const noexcept {
    return user_ ? std::string_view(user_->name()) : std::string_view("default");
  }
  /// Whether the user's permissions must be asked before a command runs.
  [[nodiscard]] bool restricted() const noexcept { return restricted_; }

  ClientId id{};
  DbIndex db{};
  std::string name;
  std::string library_name;
  std::string library_version;
  ReplyMode reply_mode = ReplyMode::kOn;
  bool authenticated = false;
  bool let_in = false;       // authenticated without a login, for as long as the default user needs none
  bool asking = false;       // one command long
  bool asking_next = false;  // ASKING was the present command
  bool cluster_readonly = false;
  bool no_touch = false;
  bool no_evict = false;
  bool in_transaction = false;  // transaction->open
  bool in_script = false;       // its commands are those of a script
  /// Since MULTI or WATCH; null otherwise.
  std::unique_ptr<Transaction> transaction;
  bool subscribed = false;   // listens to a channel or pattern: in RESP2 few commands are allowed then
  bool tracks_keys = false;  // CLIENT TRACKING: what it reads is remembered
  bool monitoring = false;   // MONITOR: no command on data
  /// End of the last write of this connection in the replication stream: what WAIT waits for.
  ReplOffset last_write{};

 private:
  Origin origin_;
  bool restricted_ = false;
  std::shared_ptr<const User> user_;
};

}  // namespace ashlar::command
