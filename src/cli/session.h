/// A user's conversation with one server after the other: connects when needed, logs in, runs commands, prints what
/// comes back, follows redirections and keeps in mind what the prompt shows.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "cli/command_traits.h"
#include "cli/connection.h"
#include "cli/options.h"

namespace ashlar::cli {

/// Where text goes: replies to `out`, complaints to `err`. Borrowed; both outlive their users.
struct Console {
  std::FILE* out;
  std::FILE* err;
};

enum class Usage : std::uint8_t { kOneShot, kInteractive };
enum class Complain : std::uint8_t { kNo, kYes };

/// How connecting went. A server that refuses the login still takes commands.
enum class ConnectResult : std::uint8_t { kReady, kRefused, kUnreachable };

enum class RunResult : std::uint8_t {
  kOk,
  kNoLink,      // not connected, or the connection broke; the user was told
  kErrorReply,  // with -e: the server answered with an error, which stands on `err`
};

/// Thread: one. Blocks. Invariant: database and transaction shown by prompt() are those of the current connection.
class Session {
 public:
  /// `options` is borrowed and outlives the session.
  Session(const Options& options, Console console, Usage usage);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// (Re)connects to the current endpoint, then AUTH, SELECT, HELLO 3 as the options ask. Problems go to `err`; that
  /// the server cannot be reached only with kYes.
  ConnectResult connect(Complain about_reaching);
  /// Drops the connection and makes `endpoint` the current one.
  void set_endpoint(Endpoint endpoint);

  /// Runs a command `repeat` times (nullopt: for ever), connecting first when there is no connection. Prints each
  /// reply. After SUBSCRIBE and MONITOR it prints until the connection ends or, at the prompt, the user interrupts it.
  /// `words` is not empty, and not SYNC or PSYNC: what follows these are no replies.
  RunResult run(Words words, std::optional<std::uint64_t> repeat);
  /// Sends one command without printing; the reply may be an error value. Errors: of the connection, which is lost
  /// then; kIo - there was none.
  Result<resp::Value> ask(Words words);

  /// As of Connection, for the present connection and those to come.
  void set_stop_signal(std::optional<int> fd);
  [[nodiscard]] bool is_connected() const noexcept { return link_.has_value() && link_->is_open(); }
  /// The live connection. Precondition: is_connected().
  [[nodiscard]] Connection& link() noexcept { return *link_; }
  [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }
  /// "127.0.0.1:6379[2](TX)> ", or "not connected> ".
  [[nodiscard]] std::string prompt() const;

 private:
  enum class Step : std::uint8_t { kDone, kRedirected, kLost, kErrorReply };

  [[nodiscard]] bool log_in();
  [[nodiscard]] bool select_database();
  Step send_once(Words words);
  Step read_and_print(Words words);
  Step read_stream(Words words);
  /// At the prompt SIGINT ends the stream, not the program; then the connection is a new one.
  Step read_stream_until_interrupt(Words words);
  void note_state(Words words, const resp::Value& reply);
  void print(Words words, const resp::Value& reply);
  void watch_pushes();
  void redirect(Endpoint target, std::uint16_t slot);
  void lose_link(const Error* why);

  const Options& options_;
  Console console_;
  Usage usage_;
  Endpoint endpoint_;
  std::optional<Connection> link_;
  std::optional<int> stop_fd_;
  std::uint32_t wanted_database_;  // selected again after a reconnect
  std::uint32_t database_ = 0;
  std::uint32_t database_before_multi_ = 0;
  bool in_transaction_ = false;
  bool ask_next_ = false;      // the next command goes after ASKING
  bool reply_failed_ = false;  // of the last reply
};

}  // namespace ashlar::cli
