/// Messages of the bus by kind, for CLUSTER INFO. Thread: a value.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace ashlar::cluster {

struct MessageCounts {
  std::map<std::string, std::uint64_t> sent;  // by the name CLUSTER INFO uses
  std::map<std::string, std::uint64_t> received;
};

}  // namespace ashlar::cluster
