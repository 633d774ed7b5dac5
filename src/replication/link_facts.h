/// A connection of replication, as lists of connections show it.
#pragma once

#include <cstdint>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace ashlar::replication {

struct LinkFacts {
  ClientId id;        // of the client that became a replica; the connection to a primary gets one of its own
  std::string peer;   // "ip:port"
  std::string local;  // ours
  int descriptor = 0;
  MonoTime since;
  MonoTime last_heard;
  std::uint64_t queued = 0;  // bytes that wait for its socket
};

}  // namespace ashlar::replication
