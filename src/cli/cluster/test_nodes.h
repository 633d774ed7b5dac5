/// Short ways to write nodes in the tests of this folder.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>

#include "cli/cluster/topology.h"

namespace ashlar::cli::cluster::test {

/// An id whose forty digits are all `digit`.
inline NodeId id_of(char digit) { return *NodeId::from_hex(std::string(40, digit)); }

inline SlotId slot(int number) { return *SlotId::from(number); }

inline SlotRange range(int first, int last) { return {slot(first), slot(last)}; }

inline ClusterNode master_with(char digit, std::initializer_list<SlotRange> slots) {
  ClusterNode node;
  node.info.id = id_of(digit);
  node.info.host = "10.0.0.1";
  node.info.port = static_cast<std::uint16_t>(7000 + digit - '0');
  node.info.slots = slots;
  node.slots = SlotSet(node.info.slots);
  node.signature = "same";
  return node;
}

inline ClusterNode replica_of(char digit, char master) {
  ClusterNode node = master_with(digit, {});
  node.info.role = Role::kReplica;
  node.info.master = id_of(master);
  return node;
}

}  // namespace ashlar::cli::cluster::test
