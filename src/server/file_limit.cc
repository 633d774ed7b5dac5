#include "server/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace ashlar::server {
namespace {

/// Sockets to listen on, the log, files that are written and their directories. As many as Redis keeps.
constexpr rlim_t kOwnFiles = 32;
constexpr rlim_t kFilesPerLoop = 2;  // what it waits on, and what wakes it

}  // namespace

std::uint32_t make_room_for_clients(std::uint32_t clients, std::uint32_t threads) {
  const rlim_t own = kOwnFiles + kFilesPerLoop * threads;
  const rlim_t wanted = own + clients;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return clients;
  const rlimit higher{wanted, std::max(wanted, limit.rlim_max)};  // root may go beyond the hard limit
  if (::setrlimit(RLIMIT_NOFILE, &higher) == 0) return clients;
  const rlimit highest{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &highest) == 0) limit = highest;
  return limit.rlim_cur <= own ? 0 : static_cast<std::uint32_t>(std::min(limit.rlim_cur, wanted) - own);
}

}  // namespace ashlar::server
