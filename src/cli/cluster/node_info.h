/// What CLUSTER NODES says: one line a node, parsed.
///
/// Source: Redis documentation, "CLUSTER NODES", serialization format. Thread: values, any.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ids.h"
#include "cli/cluster/slot_set.h"

namespace ashlar::cli::cluster {

enum class Role : std::uint8_t { kMaster, kReplica };

/// A slot on its way. Only the node that talks about itself reports these.
struct OpenSlot {
  SlotId slot;
  NodeId peer;  // where it goes to, or comes from

  bool operator==(const OpenSlot&) const = default;
};

/// One node in the eyes of the node that was asked.
struct NodeInfo {
  NodeId id;
  std::string host;  // empty while the teller does not know it
  std::uint16_t port = 0;
  std::uint16_t bus_port = 0;  // 0: not told
  std::string hostname;        // empty: none announced
  std::vector<std::string> flags;
  Role role = Role::kMaster;
  std::optional<NodeId> master;  // of a replica
  std::uint64_t config_epoch = 0;
  bool link_up = false;
  std::vector<SlotRange> slots;
  std::vector<OpenSlot> migrating;
  std::vector<OpenSlot> importing;

  /// "host:port".
  [[nodiscard]] std::string address() const;
  [[nodiscard]] bool has_flag(std::string_view flag) const noexcept;
  [[nodiscard]] bool is_master() const noexcept { return role == Role::kMaster; }
};

/// All lines of a CLUSTER NODES reply, in its order. Errors: kCorrupt with the line's number and what is wrong in it.
[[nodiscard]] Result<std::vector<NodeInfo>> parse_cluster_nodes(std::string_view text);

/// The line with the flag `myself`; null when there is none. Lives as long as `view`.
[[nodiscard]] const NodeInfo* find_myself(std::span<const NodeInfo> view) noexcept;

/// A text that two views share exactly when they give every slot to the same node, whatever the order of their lines.
[[nodiscard]] std::string config_signature(std::span<const NodeInfo> view);

}  // namespace ashlar::cli::cluster
