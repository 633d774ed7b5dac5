/// The system's limit of open files, which bounds how many clients there can be.
#pragma once

#include <cstdint>

namespace ashlar::server {

/// Raises the limit of this process so that `clients` may connect beside what a server with `threads` loops keeps open
/// itself. Returns how many may: `clients`, or fewer when the system gives no more, or 0 when there is not even enough
/// for the server. Thread: one at a time.
[[nodiscard]] std::uint32_t make_room_for_clients(std::uint32_t clients, std::uint32_t threads);

}  // namespace ashlar::server
