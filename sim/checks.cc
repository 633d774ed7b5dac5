#include "sim/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::sim {

using cluster::Message;
using cluster::Node;
using cluster::View;

namespace {
constexpr std::size_t kHeldBackMax = 20'000;
constexpr std::size_t kViolationsKept = 20;
}  // namespace

void Checks::violated(std::string what) {
  if (violations_.size() < kViolationsKept) violations_.push_back(std::move(what));
}

void Checks::look_at_message(const StepRecord& step, const Message& message, std::optional<NodeId> receiver) {
  const auto& header = message.header;
  const std::string who = header.sender.hex().substr(0, 8);
  const bool vote = std::holds_alternative<cluster::AuthAck>(message.body);
  if (vote) {
    ++marks_.votes;
    const auto [at, first] = votes_.try_emplace({header.sender, header.current_epoch}, receiver);
    if (!first && at->second != receiver) {
      violated(fmt::format("{} voted twice in epoch {}", who, header.current_epoch.value));
    }
    if (!step.durable || step.durable->last_vote_epoch < header.current_epoch) {
      violated(fmt::format("{} voted in epoch {} before that was durable", who, header.current_epoch.value));
    }
    return;  // its current epoch is that of the vote, not the sender's
  }
  if (std::holds_alternative<cluster::Update>(message.body)) ++marks_.updates;
  if (std::holds_alternative<cluster::FailNotice>(message.body)) ++marks_.fail_notices;
  if (!step.durable || step.durable->current_epoch < header.current_epoch) {
    violated(fmt::format("{} announced epoch {} before it was durable", who, header.current_epoch.value));
  }
  Announced& before = announced_[header.sender];
  if (header.current_epoch < before.current) {
    violated(fmt::format("{} went back from epoch {} to {}", who, before.current.value, header.current_epoch.value));
  }
  before.current = header.current_epoch;
  if (!is_primary(header.role)) return;
  if (!step.durable || step.durable->my_config_epoch < header.config_epoch) {
    violated(fmt::format("{} claimed slots under epoch {} before that was durable", who, header.config_epoch.value));
  }
  if (header.config_epoch < before.config) {
    violated(fmt::format("{} claims under epoch {} after {}", who, header.config_epoch.value, before.config.value));
  }
  before.config = header.config_epoch;
}

void Checks::look(const StepRecord& step) {
  const std::string who = step.view.myself().id.hex().substr(0, 8);
  if (step.effects.view_changed == cluster::ViewChange::kTopology) {
    if (const auto broken = step.view.check_invariants()) violated(fmt::format("view of {}: {}", who, *broken));
  }
  const Message* last = nullptr;
  for (std::size_t i = 0; i < step.effects.sends.size(); ++i) {
    const Message* message = step.effects.sends[i].message.get();
    const bool repeated = message == last && !std::holds_alternative<cluster::AuthAck>(message->body);
    if (!repeated) look_at_message(step, *message, step.receivers[i]);  // a broadcast is looked at once
    last = message;
  }
  if (step.effects.role) {
    if (!std::holds_alternative<cluster::BecomePrimary>(*step.effects.role)) {
      ++marks_.demotions;
    } else if (!step.by_command) {
      ++marks_.elections;
      const ConfigEpoch epoch = step.view.myself().config_epoch;
      const auto [at, first] = elected_.try_emplace(epoch, step.view.myself().id);
      if (!first && at->second != step.view.myself().id) {
        violated(fmt::format("epoch {} elected both {} and {}", epoch.value, at->second.hex().substr(0, 8), who));
      }
    }
  }
  if (step.held_back > kHeldBackMax) violated(fmt::format("{} holds back {} messages", who, step.held_back));
}

namespace {

std::optional<std::string> compare(const View& a, const View& b) {
  const std::string pair = fmt::format("{} and {}", a.myself().id.hex().substr(0, 8), b.myself().id.hex().substr(0, 8));
  if (a.size() != b.size()) return fmt::format("{} know {} and {} members", pair, a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Node& one = a.nth(i);
    const Node& other = b.nth(i);
    const std::string about = one.id.hex().substr(0, 8);
    if (one.id != other.id) return fmt::format("{} know different members", pair);
    if (one.role != other.role) return fmt::format("{} disagree about the role of {}", pair, about);
    if (one.slots != other.slots) return fmt::format("{} disagree about the slots of {}", pair, about);
    if (one.shard != other.shard) return fmt::format("{} disagree about the shard of {}", pair, about);
    if (one.is_primary() && one.config_epoch != other.config_epoch) {
      return fmt::format("{} disagree about the epoch of {}", pair, about);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not_settled(const std::vector<const View*>& views) {
  if (views.empty()) return "nobody runs";
  std::set<ConfigEpoch> epochs;
  for (const Node& node : *views.front()) {
    if (!node.is_primary() || node.slot_count == 0) continue;
    if (!epochs.insert(node.config_epoch).second)
      return fmt::format("two primaries hold epoch {}", node.config_epoch.value);
  }
  for (const View* view : views) {
    const std::string who = view->myself().id.hex().substr(0, 8);
    if (view->size() != views.size()) return fmt::format("{} knows {} of {} members", who, view->size(), views.size());
    if (view->state() != cluster::ClusterState::kOk) return fmt::format("{} does not serve", who);
    for (const Node& node : *view) {
      if (node.health != cluster::Health::kOnline)
        return fmt::format("{} calls {} failing", who, node.id.hex().substr(0, 8));
      if (node.handshake || !node.role) return fmt::format("{} does not know {} yet", who, node.id.hex().substr(0, 8));
      if (node.is_replica() && !node.primary_id()) return fmt::format("{} follows nobody", node.id.hex().substr(0, 8));
    }
    if (auto difference = compare(*views.front(), *view)) return difference;
  }
  return std::nullopt;
}

}  // namespace ashlar::sim
