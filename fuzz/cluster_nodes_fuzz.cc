/// CLUSTER NODES texts from any server: never a crash, and what is accepted stays within 16384 slots.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "cli/cluster/node_info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::cli::cluster;
  const auto nodes = parse_cluster_nodes(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!nodes) return 0;
  for (const NodeInfo& node : *nodes) {
    const SlotSet slots(node.slots);
    ASH_CHECK(slots.size() <= ashlar::kSlotCount);
    ASH_CHECK(SlotSet(slots.ranges()) == slots);
  }
  ASH_CHECK(config_signature(*nodes) == config_signature(*nodes));
  return 0;
}
