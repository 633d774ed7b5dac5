/// A blocking connection to a Redis-compatible server, for programs that ask one thing after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "base/time.h"
#include "resp/reply_reader.h"
#include "resp/value.h"

namespace ashlar::cli {

/// Where a server listens. A non-empty `unix_path` wins over host and port.
struct Endpoint {
  std::string host = "127.0.0.1";  // name, IPv4 or IPv6 address without brackets
  std::uint16_t port = 6379;
  std::string unix_path;

  /// "host:port", or the path of a unix socket.
  [[nodiscard]] std::string text() const;
  bool operator==(const Endpoint&) const = default;
};

enum class Protocol : std::uint8_t { kDefault, kResp2, kResp3 };

/// Everything that it takes to be let in. A copy with another endpoint reaches another node of the same cluster.
struct ConnectOptions {
  Endpoint endpoint;
  std::string user;                     // empty: the default user
  std::optional<std::string> password;  // absent: no AUTH
  std::uint32_t database = 0;
  Protocol protocol = Protocol::kDefault;  // kDefault sends no HELLO
  Millis connect_timeout{10'000};
  std::optional<Millis> read_timeout;  // silence allowed while a reply is awaited; absent: any

  [[nodiscard]] ConnectOptions with_endpoint(Endpoint other) const {
    ConnectOptions copy = *this;
    copy.endpoint = std::move(other);
    return copy;
  }
};

/// One stream of commands and replies. Thread: one at a time; movable.
/// Invariants: replies come in the order of the commands; after a Result that is an error (a reply that is an error is
/// a value) the connection is closed and every later call fails. SIGPIPE is never raised. Errors of all calls: kIo with
/// the text a user should see ("Server closed the connection"), kProtocol for bytes that are no RESP.
class Connection {
 public:
  using PushHandler = std::function<void(const resp::Value&)>;

  /// Connects only. Errors: kIo - "Could not connect to Redis at <endpoint>: <reason>".
  [[nodiscard]] static Result<Connection> dial(const Endpoint& endpoint, Millis timeout);
  /// Connects, then AUTH, SELECT and HELLO as the options ask. Errors: as dial; kNoAuth - "AUTH failed: ...";
  /// kGeneric - "SELECT 5 failed: ...", "HELLO 3 failed: ...".
  [[nodiscard]] static Result<Connection> open(const ConnectOptions& options);

  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) noexcept = default;

  /// Sends one command and waits for its reply, which may be an error value.
  [[nodiscard]] Result<resp::Value> call(std::span<const std::string_view> args);
  [[nodiscard]] Result<resp::Value> call(std::span<const std::string> args);
  [[nodiscard]] Result<resp::Value> call(std::initializer_list<std::string_view> args) {
    return call(std::span<const std::string_view>(args.begin(), args.size()));
  }

  /// Pipelining: queue any number of commands, flush() them, then receive() as many replies.
  void queue(std::span<const std::string_view> args);
  void queue(std::span<const std::string> args);
  void queue(std::initializer_list<std::string_view> args) {
    queue(std::span<const std::string_view>(args.begin(), args.size()));
  }
  [[nodiscard]] Result<void> flush();
  /// The next reply. RESP3 push messages met on the way go to the push handler, when there is one; else they are
  /// replies.
  [[nodiscard]] Result<resp::Value> receive();

  void set_push_handler(PushHandler handler) { on_push_ = std::move(handler); }
  void set_read_timeout(std::optional<Millis> timeout) { read_timeout_ = timeout; }
  /// A descriptor (borrowed) that ends every wait for the peer once it can be read: kUnblocked, "Interrupted".
  void set_stop_signal(std::optional<int> fd) { stop_fd_ = fd; }

  /// For raw streams (an RDB after SYNC, --pipe) and for poll(); owned by the connection. Invalid once closed.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool is_open() const noexcept { return static_cast<bool>(fd_); }
  /// Sends bytes as they are. Blocks.
  [[nodiscard]] Result<void> send_raw(std::string_view bytes);
  /// Waits for bytes and returns what came, at least one; first those that the reader had not used.
  [[nodiscard]] Result<std::string> receive_raw();
  /// True when a reply, or a part of one, is there without reading the socket.
  [[nodiscard]] bool has_buffered_reply() const noexcept { return reader_.pending_bytes() != 0; }

 private:
  explicit Connection(Fd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Result<std::string_view> receive_some();
  [[nodiscard]] Result<void> log_in(const ConnectOptions& options);
  /// Waits until the socket shows `events`. Errors: kIo - the peer was silent for too long; kUnblocked.
  [[nodiscard]] Result<void> wait_for(short events);
  [[nodiscard]] std::unexpected<Error> close_with(std::string detail, ErrorCode code = ErrorCode::kIo);

  Fd fd_;
  resp::ReplyReader reader_;
  std::string out_;
  std::string in_;
  std::optional<Millis> read_timeout_;
  std::optional<int> stop_fd_;
  PushHandler on_push_;
};

/// The reply of `call` when it is no error; an error value becomes an Error whose detail is its whole text.
[[nodiscard]] Result<resp::Value> unless_error(Result<resp::Value> reply);

}  // namespace ashlar::cli
