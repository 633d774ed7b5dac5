/// Messages of the bus by kind, and links that were given up, for CLUSTER INFO. Thread: a value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ashlar::cluster {

struct MessageCounts {
  std::map<std::string, std::uint64_t> sent;  // by the name CLUSTER INFO uses
  std::map<std::string, std::uint64_t> received;
  std::uint64_t links_over_limit = 0;  // ended because more waited for them than cluster-link-sendbuf-limit
};

}  // namespace ashlar::cluster
