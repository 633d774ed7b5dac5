/// Making, naming and tuning sockets. Every descriptor made here is non-blocking and closed on exec. Thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/time.h"
#include "net/poller.h"

namespace ashlar::net {

/// One end of a connection in text.
struct Endpoint {
  std::string address;     // numeric IPv4 or IPv6 without brackets; the path of a Unix socket
  std::uint16_t port = 0;  // 0 for a Unix socket
  bool operator==(const Endpoint&) const = default;
};
/// "127.0.0.1:6379", "[::1]:6379".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

/// A listening TCP socket. `address`: a numeric address, a host name (blocking look-up), "*" for all of IPv4 or "::*"
/// for all of IPv6; IPv6 sockets never take IPv4 connections. Port 0 lets the system choose: see local_endpoint().
/// Errors: kNotFound when this machine has no such address or address family (what an optional `bind` may ignore); kIo
/// for the rest, a taken port among it.
[[nodiscard]] Result<Fd> listen_tcp(const std::string& address, std::uint16_t port, int backlog);
/// Who may use a Unix socket.
struct UnixAccess {
  std::optional<mode_t> permissions;  // mode bits of the file; without: as the umask has them
  std::string group;                  // a name; empty: the process's own
};
/// A listening Unix socket at `path`, replacing what is there. Errors: kIo; kGeneric for a path that is too long or a
/// group that is not known.
[[nodiscard]] Result<Fd> listen_unix(const std::string& path, const UnixAccess& access, int backlog);

struct Accepted {
  Fd fd;
  Endpoint peer;  // of a Unix connection: the path of the listener
};
/// The next waiting connection, nullopt when there is none. Errors: kIo (no descriptors or memory left: stop accepting
/// for a while).
[[nodiscard]] Result<std::optional<Accepted>> accept(const Fd& listener);

/// Begins to connect to a numeric address, from `source_address` if given. When the descriptor becomes writable, ask
/// connect_result(). Errors: kIo (refused at once, no route); kGeneric for an address that is not numeric.
[[nodiscard]] Result<Fd> connect_tcp(const Endpoint& to, const std::optional<std::string>& source_address = {});
/// The same for a Unix socket. Errors: kIo; kGeneric for a path that is too long.
[[nodiscard]] Result<Fd> connect_unix(const std::string& path);
/// How a connect that became writable ended. Errors: kIo.
[[nodiscard]] Result<void> connect_result(const Fd& fd);
/// errno that is pending on a socket, 0 for none; reading clears it.
[[nodiscard]] int so_error(const Fd& fd);

/// Numeric addresses of a name, IPv4 before IPv6, without duplicates; a numeric address is its own. Blocks for as long
/// as the resolver takes (seconds): never call it on an event loop. Errors: kNotFound; kIo.
[[nodiscard]] Result<std::vector<std::string>> resolve(const std::string& host);
/// True for IPv4 and IPv6 addresses in text.
[[nodiscard]] bool is_numeric_address(const std::string& text);

/// The near and the far end. Errors: kIo (not connected).
[[nodiscard]] Result<Endpoint> local_endpoint(const Fd& fd);
[[nodiscard]] Result<Endpoint> peer_endpoint(const Fd& fd);

/// Sends small writes at once (TCP_NODELAY). Errors: kIo, for all of these.
[[nodiscard]] Result<void> set_nodelay(const Fd& fd);
/// Probes a silent peer after `interval` (>= 1 s), then three times at a third of it; so a dead peer is noticed after
/// about twice the interval. Source: redis.conf `tcp-keepalive`.
[[nodiscard]] Result<void> set_keepalive(const Fd& fd, Seconds interval);
/// Size of the kernel's send buffer in bytes, which doubles it for its own needs.
[[nodiscard]] Result<void> set_send_buffer(const Fd& fd, int bytes);
[[nodiscard]] Result<void> set_nonblocking(const Fd& fd);

/// Blocks until `fd` is ready for `interest`; false when `timeout` has passed (nullopt: never) or a signal came. For
/// programs without a loop. Errors: kIo.
[[nodiscard]] Result<bool> wait_until_ready(const Fd& fd, Interest interest, std::optional<Millis> timeout);

}  // namespace ashlar::net
