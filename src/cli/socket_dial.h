/// Opening client sockets with a time limit. Thread: any. Blocks.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "base/time.h"

namespace ashlar::cli {

/// A connected TCP socket, with keep-alive and without Nagle's delay. `host` is a name or an address; IPv4 addresses of
/// a name are tried before IPv6 ones, each for at most `timeout`. Errors: kIo - the bare reason of the last address
/// tried ("Connection refused", "Name or service not known").
[[nodiscard]] Result<Fd> dial_tcp(const std::string& host, std::uint16_t port, Millis timeout);
/// A connected stream socket of the local domain. Errors: kIo - the bare reason.
[[nodiscard]] Result<Fd> dial_unix(const std::string& path, Millis timeout);

}  // namespace ashlar::cli
