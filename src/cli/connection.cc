#include "cli/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/socket_dial.h"
#include "resp/request_writer.h"

namespace ashlar::cli {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;

}  // namespace

std::string Endpoint::text() const { return unix_path.empty() ? fmt::format("{}:{}", host, port) : unix_path; }

Result<Connection> Connection::dial(const Endpoint& endpoint, Millis timeout) {
  auto fd = endpoint.unix_path.empty() ? dial_tcp(endpoint.host, endpoint.port, timeout)
                                       : dial_unix(endpoint.unix_path, timeout);
  if (!fd)
    return fail(ErrorCode::kIo,
                fmt::format("Could not connect to Redis at {}: {}", endpoint.text(), fd.error().detail));
  return Connection(std::move(*fd));
}

Result<Connection> Connection::open(const ConnectOptions& options) {
  ASH_TRY(Connection connection, dial(options.endpoint, options.connect_timeout));
  connection.set_read_timeout(options.read_timeout);
  ASH_TRY_VOID(connection.log_in(options));
  return connection;
}

Result<void> Connection::log_in(const ConnectOptions& options) {
  if (options.password) {
    const std::string_view password = *options.password;
    ASH_TRY(const resp::Value reply,
            options.user.empty() ? call({"AUTH", password}) : call({"AUTH", options.user, password}));
    if (reply.is_error()) return fail(ErrorCode::kNoAuth, fmt::format("AUTH failed: {}", reply.text()));
  }
  if (options.database != 0) {
    const std::string number = std::to_string(options.database);
    ASH_TRY(const resp::Value reply, call({"SELECT", number}));
    if (reply.is_error()) return fail(fmt::format("SELECT {} failed: {}", number, reply.text()));
  }
  if (options.protocol != Protocol::kDefault) {
    const std::string_view version = options.protocol == Protocol::kResp3 ? "3" : "2";
    ASH_TRY(const resp::Value reply, call({"HELLO", version}));
    if (reply.is_error()) return fail(fmt::format("HELLO {} failed: {}", version, reply.text()));
  }
  return {};
}

Result<resp::Value> Connection::call(std::span<const std::string_view> args) {
  queue(args);
  ASH_TRY_VOID(flush());
  return receive();
}

Result<resp::Value> Connection::call(std::span<const std::string> args) {
  queue(args);
  ASH_TRY_VOID(flush());
  return receive();
}

void Connection::queue(std::span<const std::string_view> args) { resp::write_request(args, out_); }
void Connection::queue(std::span<const std::string> args) { resp::write_request(args, out_); }

Result<void> Connection::flush() {
  const std::string out = std::exchange(out_, {});
  return send_raw(out);
}

Result<void> Connection::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!fd_) return fail(ErrorCode::kIo, "Not connected");
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      ASH_TRY_VOID(wait_for(POLLOUT));
    } else if (errno != EINTR) {
      return close_with(std::strerror(errno));
    }
  }
  return {};
}

Result<resp::Value> Connection::receive() {
  for (;;) {
    auto value = reader_.next();
    if (!value) {
      fd_.reset();
      return std::unexpected(std::move(value.error()));
    }
    if (*value) {
      if ((*value)->kind() != resp::ValueKind::kPush || !on_push_) return std::move(**value);
      on_push_(**value);
      continue;
    }
    ASH_TRY(const std::string_view bytes, receive_some());
    reader_.feed(bytes);
  }
}

Result<std::string> Connection::receive_raw() {
  std::string unread = reader_.take_unread();
  if (!unread.empty()) return unread;
  ASH_TRY(const std::string_view bytes, receive_some());
  return std::string(bytes);
}

Result<std::string_view> Connection::receive_some() {
  in_.resize(kReadSize);
  for (;;) {
    if (!fd_) return fail(ErrorCode::kIo, "Not connected");
    if (read_timeout_ || stop_fd_) ASH_TRY_VOID(wait_for(POLLIN));
    const ssize_t got = ::recv(fd_.get(), in_.data(), in_.size(), 0);
    if (got > 0) return std::string_view(in_.data(), static_cast<std::size_t>(got));
    if (got == 0) return close_with("Server closed the connection");
    if (errno == EAGAIN) {
      ASH_TRY_VOID(wait_for(POLLIN));
    } else if (errno != EINTR) {
      return close_with(std::strerror(errno));
    }
  }
}

Result<void> Connection::wait_for(short events) {
  std::array<pollfd, 2> waited = {{{.fd = fd_.get(), .events = events, .revents = 0},
                                   {.fd = stop_fd_.value_or(-1), .events = POLLIN, .revents = 0}}};
  const int timeout = read_timeout_ ? static_cast<int>(std::min<Millis::rep>(read_timeout_->count(), 1 << 30)) : -1;
  int rc = 0;
  // A signal restarts the wait: the time-out is about a silent peer, its exact length does not matter.
  do {
    rc = ::poll(waited.data(), waited.size(), timeout);
  } while (rc < 0 && errno == EINTR);
  if (waited[1].revents != 0) return close_with("Interrupted", ErrorCode::kUnblocked);
  if (rc == 0) return close_with(std::strerror(ETIMEDOUT));
  return {};
}

std::unexpected<Error> Connection::close_with(std::string detail, ErrorCode code) {
  fd_.reset();
  return fail(code, std::move(detail));
}

Result<resp::Value> unless_error(Result<resp::Value> reply) {
  if (reply && reply->is_error()) return fail(reply->take_text());
  return reply;
}

}  // namespace ashlar::cli
