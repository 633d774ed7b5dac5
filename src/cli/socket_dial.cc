#include "cli/socket_dial.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

namespace ashlar::cli {
namespace {

constexpr int kKeepAliveSeconds = 15;  // as redis-cli, so that a NAT does not forget an idle session

std::unexpected<Error> reason(int err) { return fail(ErrorCode::kIo, std::strerror(err)); }

Result<void> set_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return reason(errno);
  return {};
}

/// Connects a non-blocking socket and makes it blocking.
Result<void> connect_within(int fd, const sockaddr* address, socklen_t length, Millis timeout) {
  if (::connect(fd, address, length) == 0) return set_blocking(fd);
  if (errno != EINPROGRESS) return reason(errno);
  pollfd p{.fd = fd, .events = POLLOUT, .revents = 0};
  int rc = 0;
  do {
    rc = ::poll(&p, 1, static_cast<int>(std::clamp<Millis::rep>(timeout.count(), 0, 1 << 30)));
  } while (rc < 0 && errno == EINTR);
  if (rc < 0) return reason(errno);
  if (rc == 0) return reason(ETIMEDOUT);
  int err = 0;
  socklen_t size = sizeof err;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0) return reason(errno);
  if (err != 0) return reason(err);
  return set_blocking(fd);
}

void tune(int fd) {
  // Failing to tune is no reason to refuse a connection that works.
  const int on = 1;
  const int interval = kKeepAliveSeconds;
  const int probe = kKeepAliveSeconds / 3;
  const int count = 3;
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &interval, sizeof interval));
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &probe, sizeof probe));
  static_cast<void>(::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count));
}

}  // namespace

Result<Fd> dial_tcp(const std::string& host, std::uint16_t port, Millis timeout) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int rc = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (rc != 0) return fail(ErrorCode::kIo, ::gai_strerror(rc));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);

  std::vector<const addrinfo*> addresses;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) addresses.push_back(a);
  std::ranges::stable_partition(addresses, [](const addrinfo* a) { return a->ai_family == AF_INET; });

  Error last{ErrorCode::kIo, "No address"};
  for (const addrinfo* a : addresses) {
    Fd fd(::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return reason(errno);
    auto connected = connect_within(fd.get(), a->ai_addr, a->ai_addrlen, timeout);
    if (connected) {
      tune(fd.get());
      return fd;
    }
    last = std::move(connected.error());
  }
  return std::unexpected(std::move(last));
}

Result<Fd> dial_unix(const std::string& path, Millis timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return reason(ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return reason(errno);
  ASH_TRY_VOID(connect_within(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, timeout));
  return fd;
}

}  // namespace ashlar::cli
