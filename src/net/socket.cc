#include "net/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>

namespace ashlar::net {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

Result<AddressList> look_up(const std::string& host, std::uint16_t port, int flags, int family = AF_UNSPEC) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int rc = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (rc == 0) return AddressList(list);
  if (rc == EAI_SYSTEM) return fail_errno("getaddrinfo", host, errno);
  const bool unknown = rc == EAI_NONAME || rc == EAI_NODATA || rc == EAI_ADDRFAMILY || rc == EAI_FAMILY;
  return fail(unknown ? ErrorCode::kNotFound : ErrorCode::kIo, fmt::format("{}: {}", host, ::gai_strerror(rc)));
}

Result<Address> numeric_address(const std::string& text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.length = sizeof *v4;
    return address;
  }
  // Through the resolver for the scope of link-local addresses ("fe80::1%eth0"); it looks nothing up.
  auto list = look_up(text, port, AI_NUMERICHOST, AF_INET6);
  if (!list || text.empty()) return fail(fmt::format("Invalid IP address: {}", text));
  std::memcpy(&address.storage, (*list)->ai_addr, (*list)->ai_addrlen);
  address.length = (*list)->ai_addrlen;
  return address;
}

Result<Address> unix_address(const std::string& path) {
  Address address;
  auto* un = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.empty() || path.size() >= sizeof un->sun_path) {
    return fail(fmt::format("Unix socket path must have 1 to {} bytes: {}", sizeof un->sun_path - 1, path));
  }
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Endpoint endpoint_of(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    return {text.data(), ntohs(v4->sin_port)};
  }
  if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    return {text.data(), ntohs(v6->sin6_port)};
  }
  const auto* un = reinterpret_cast<const sockaddr_un*>(&address.storage);
  constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (address.length <= kPathOffset) return {};  // an end without a name
  return {std::string(un->sun_path, ::strnlen(un->sun_path, address.length - kPathOffset)), 0};
}

Result<void> set_option(const Fd& fd, int level, int name, int value, const char* what) {
  if (::setsockopt(fd.get(), level, name, &value, sizeof value) != 0) return fail_errno("setsockopt", what, errno);
  return {};
}

Result<Fd> make_socket(int family) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd) return fd;
  const int err = errno;
  auto error = fail_errno("socket", "", err);
  if (err == EAFNOSUPPORT || err == EPROTONOSUPPORT || err == ESOCKTNOSUPPORT) {
    return fail(ErrorCode::kNotFound, std::move(error.error().detail));
  }
  return error;
}

Result<void> bind_to(const Fd& fd, const Address& address, const std::string& name) {
  if (::bind(fd.get(), address.get(), address.length) == 0) return {};
  const int err = errno;
  auto error = fail_errno("bind", name, err);
  if (err == EADDRNOTAVAIL || err == EAFNOSUPPORT) {
    return fail(ErrorCode::kNotFound, std::move(error.error().detail));
  }
  return error;
}

Result<Fd> begin_connect(Fd fd, const Address& to, const std::string& name) {
  if (::connect(fd.get(), to.get(), to.length) == 0 || errno == EINPROGRESS || errno == EINTR) return fd;
  return fail_errno("connect", name, errno);
}

Result<void> give_to_group(const std::string& path, const std::string& name) {
  std::array<char, 16 * 1024> room;  // for the names of its members
  group found{};
  group* result = nullptr;
  const int error = ::getgrnam_r(name.c_str(), &found, room.data(), room.size(), &result);
  if (error != 0) return fail_errno("getgrnam_r", name, error);
  if (result == nullptr) return fail(fmt::format("no group has the name '{}'", name));
  if (::chown(path.c_str(), static_cast<uid_t>(-1), result->gr_gid) != 0) return fail_errno("chown", path, errno);
  return {};
}

}  // namespace

std::string to_string(const Endpoint& endpoint) {
  const bool v6 = endpoint.address.find(':') != std::string::npos;
  return v6 ? fmt::format("[{}]:{}", endpoint.address, endpoint.port)
            : fmt::format("{}:{}", endpoint.address, endpoint.port);
}

Result<Fd> listen_tcp(const std::string& address, std::uint16_t port, int backlog) {
  const bool any_v4 = address == "*";
  const bool any_v6 = address == "::*";
  ASH_TRY(const AddressList list, look_up(any_v4 ? "0.0.0.0" : any_v6 ? "::" : address, port, AI_PASSIVE));
  Address where;
  std::memcpy(&where.storage, list->ai_addr, list->ai_addrlen);
  where.length = list->ai_addrlen;
  const std::string name = to_string({address, port});

  ASH_TRY(Fd fd, make_socket(list->ai_family));
  ASH_TRY_VOID(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
  if (list->ai_family == AF_INET6) ASH_TRY_VOID(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY"));
  ASH_TRY_VOID(bind_to(fd, where, name));
  if (::listen(fd.get(), backlog) != 0) return fail_errno("listen", name, errno);
  return fd;
}

Result<Fd> listen_unix(const std::string& path, const UnixAccess& access, int backlog) {
  ASH_TRY(const Address where, unix_address(path));
  ASH_TRY(Fd fd, make_socket(AF_UNIX));
  ::unlink(path.c_str());  // of a server that died; if something stands in the way, bind() tells
  ASH_TRY_VOID(bind_to(fd, where, path));
  if (!access.group.empty()) ASH_TRY_VOID(give_to_group(path, access.group));
  if (access.permissions && ::chmod(path.c_str(), *access.permissions) != 0) return fail_errno("chmod", path, errno);
  if (::listen(fd.get(), backlog) != 0) return fail_errno("listen", path, errno);
  return fd;
}

Result<std::optional<Accepted>> accept(const Fd& listener) {
  while (true) {
    Address peer;
    Fd fd(::accept4(listener.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      if (peer.storage.ss_family != AF_UNIX) return Accepted{std::move(fd), endpoint_of(peer)};
      ASH_TRY(Endpoint local, local_endpoint(listener));
      return Accepted{std::move(fd), std::move(local)};
    }
    switch (errno) {
      case EAGAIN: return std::nullopt;
      case EINTR:
      case ECONNABORTED:  // given up while it waited
      case EPROTO:
      case ENETDOWN:  // pending network errors of the new socket. Source: accept(2), "Error handling"
      case ENETUNREACH:
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENONET: continue;
      default: return fail_errno("accept", "", errno);
    }
  }
}

Result<Fd> connect_tcp(const Endpoint& to, const std::optional<std::string>& source_address) {
  ASH_TRY(const Address address, numeric_address(to.address, to.port));
  ASH_TRY(Fd fd, make_socket(address.storage.ss_family));
  if (source_address) {
    ASH_TRY(const Address source, numeric_address(*source_address, 0));
    ASH_TRY_VOID(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"));
    ASH_TRY_VOID(bind_to(fd, source, *source_address));
  }
  return begin_connect(std::move(fd), address, to_string(to));
}

Result<Fd> connect_unix(const std::string& path) {
  ASH_TRY(const Address address, unix_address(path));
  ASH_TRY(Fd fd, make_socket(AF_UNIX));
  return begin_connect(std::move(fd), address, path);
}

Result<void> connect_result(const Fd& fd) {
  if (const int err = so_error(fd); err != 0) return fail_errno("connect", "", err);
  return {};
}

int so_error(const Fd& fd) {
  int value = 0;
  socklen_t length = sizeof value;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &value, &length) != 0) return errno;
  return value;
}

Result<std::vector<std::string>> resolve(const std::string& host) {
  ASH_TRY(const AddressList list, look_up(host, 0, 0));
  std::vector<std::string> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
      if (one->ai_family != family) continue;
      std::array<char, NI_MAXHOST> text{};
      if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
        continue;
      }
      if (std::ranges::find(found, text.data()) == found.end()) found.emplace_back(text.data());
    }
  }
  if (found.empty()) return fail(ErrorCode::kNotFound, fmt::format("{}: no address", host));
  return found;
}

bool is_numeric_address(const std::string& text) { return numeric_address(text, 0).has_value(); }

Result<Endpoint> local_endpoint(const Fd& fd) {
  Address address;
  if (::getsockname(fd.get(), address.get(), &address.length) != 0) return fail_errno("getsockname", "", errno);
  return endpoint_of(address);
}

Result<Endpoint> peer_endpoint(const Fd& fd) {
  Address address;
  if (::getpeername(fd.get(), address.get(), &address.length) != 0) return fail_errno("getpeername", "", errno);
  return endpoint_of(address);
}

Result<void> set_nodelay(const Fd& fd) { return set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"); }

Result<void> set_keepalive(const Fd& fd, Seconds interval) {
  const int idle = static_cast<int>(std::clamp<Seconds::rep>(interval.count(), 1, INT16_MAX));  // the kernel's maximum
  ASH_TRY_VOID(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"));
  ASH_TRY_VOID(set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle, "TCP_KEEPIDLE"));
  ASH_TRY_VOID(set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(idle / 3, 1), "TCP_KEEPINTVL"));
  return set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3, "TCP_KEEPCNT");
}

Result<void> set_send_buffer(const Fd& fd, int bytes) {
  return set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF");
}

Result<void> set_nonblocking(const Fd& fd) {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return fail_errno("fcntl", "", errno);
  return {};
}

Result<bool> wait_until_ready(const Fd& fd, Interest interest, std::optional<Millis> timeout) {
  pollfd entry{.fd = fd.get(), .events = 0, .revents = 0};
  if (interest == Interest::kRead || interest == Interest::kReadWrite) entry.events |= POLLIN;
  if (interest == Interest::kWrite || interest == Interest::kReadWrite) entry.events |= POLLOUT;
  const int millis = timeout ? static_cast<int>(std::clamp<Millis::rep>(timeout->count(), 0, INT_MAX)) : -1;
  const int n = ::poll(&entry, 1, millis);
  if (n < 0 && errno != EINTR) return fail_errno("poll", "", errno);
  return n > 0;
}

}  // namespace ashlar::net
