/// What must hold whatever goes wrong, looked at after each step of each node; and what must hold once all is well.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "cluster/core/effects.h"
#include "cluster/core/view.h"

namespace ashlar::sim {

/// What the disk of a node promises, taken from its durable nodes.conf.
struct DurableFacts {
  NodeId id;
  ConfigEpoch current_epoch;
  ConfigEpoch last_vote_epoch;
  ConfigEpoch my_config_epoch;  // the greatest it ever held for this id
};

/// One step of one node, for the checks to look at.
struct StepRecord {
  const cluster::View& view;  // after the step
  const cluster::Effects& effects;
  std::optional<DurableFacts> durable;           // at the time of the step; nullopt: nothing written yet
  std::vector<std::optional<NodeId>> receivers;  // of effects.sends, as far as known
  std::size_t held_back = 0;
  bool by_command = false;  // an operator's TAKEOVER or RESET: epochs without a vote are allowed
};

/// Always-checks. Violations are collected, not thrown, so that one run shows all.
///   1. A node's view keeps its invariants.
///   2. A node votes at most once per epoch, and only for an epoch that its disk knows it voted in.
///   3. A node announces no current epoch and, as a primary, no config epoch that its disk does not hold.
///   4. The epochs that a node announces never decrease, restarts included.
///   5. An epoch elects at most one node.
///   6. What waits for the disk stays bounded.
/// Thread: one.
class Checks {
 public:
  void look(const StepRecord& step);
  [[nodiscard]] const std::vector<std::string>& violations() const noexcept { return violations_; }
  /// Elections won, votes cast and so on: what a run must have exercised to mean anything.
  struct Marks {
    std::size_t votes = 0;
    std::size_t elections = 0;
    std::size_t updates = 0;
    std::size_t fail_notices = 0;
    std::size_t demotions = 0;
  };
  [[nodiscard]] const Marks& marks() const noexcept { return marks_; }

 private:
  void look_at_message(const StepRecord& step, const cluster::Message& message, std::optional<NodeId> receiver);
  void violated(std::string what);

  std::vector<std::string> violations_;
  Marks marks_;
  std::map<std::pair<NodeId, ConfigEpoch>, std::optional<NodeId>> votes_;  // voter and epoch -> candidate
  std::map<ConfigEpoch, NodeId> elected_;
  struct Announced {
    ConfigEpoch current;
    ConfigEpoch config;
  };
  std::map<NodeId, Announced> announced_;
};

/// Eventually-check: why these views, all of nodes that run, do not yet make one healthy cluster; nullopt if they do.
/// Everybody knows exactly each other, calls nobody failing, agrees on roles and slots, serves, and no two primaries
/// with slots share an epoch.
[[nodiscard]] std::optional<std::string> why_not_settled(const std::vector<const cluster::View*>& views);

}  // namespace ashlar::sim
