#include "cluster/core/voting.h"

#include <utility>

#include <fmt/format.h>

#include "cluster/core/heartbeat.h"
#include "cluster/core/slot_claims.h"

namespace ashlar::cluster {
namespace {

/// One vote per failed primary within this many node timeouts. Source: clusterSendFailoverAuthIfNeeded.
constexpr int kVotePause = 2;

/// A slot of the claim that somebody serves under a greater epoch than the candidate's; nullopt if none.
std::optional<SlotId> overtaken_slot(const Step& step, const MessageHeader& request) {
  for (const SlotRange& range : request.slots.ranges()) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) {
      const SlotId slot = SlotId::wrap(s);
      if (is_unclaimed(step, slot)) continue;
      if (step.view().owner(slot)->config_epoch > request.config_epoch) return slot;
    }
  }
  return std::nullopt;
}

/// Why not, or an empty text. `primary` is the candidate's, if known.
std::string objection(Step& step, NodeIndex candidate, std::optional<NodeIndex> primary, const MessageHeader& request) {
  const bool lenient = step.options().faults.vote_twice;
  const ConfigEpoch current = step.view().current_epoch();
  if (request.current_epoch < current) {
    return fmt::format("reqEpoch ({}) < curEpoch({})", request.current_epoch.value, current.value);
  }
  if (step.view().last_vote_epoch() == current && !lenient) {
    return fmt::format("already voted for epoch {}", current.value);
  }
  if (!step.node(candidate).is_replica()) return "it is a master node";
  if (!primary) return "I don't know its master";
  if (!step.node(*primary).failed() && !request.force_ack) return "its master is up";
  const auto voted = step.peer(*primary).voted;
  if (voted && !lenient) {
    const Micros left = step.options().node_timeout * kVotePause - (step.now.mono - *voted);
    if (left > Micros{0})
      return fmt::format("can't vote about this master before {} milliseconds", left.count() / 1000);
  }
  if (const auto slot = overtaken_slot(step, request)) {
    return fmt::format("slot {} epoch ({}) > reqEpoch ({})", slot->value(),
                       step.view().owner(*slot)->config_epoch.value, request.config_epoch.value);
  }
  return {};
}

}  // namespace

void on_auth_request(Step& step, NodeIndex candidate, const MessageHeader& request) {
  // Only primaries with slots form the electorate.
  if (!step.me().is_primary() || step.me().slot_count == 0) return;
  const auto primary_id = step.node(candidate).primary_id();
  const auto primary = primary_id ? step.view().index_of(*primary_id) : std::nullopt;
  const std::string why_not = objection(step, candidate, primary, request);
  if (!why_not.empty()) {
    step.log(LogLevel::kWarning, fmt::format("Failover auth denied to {}: {}", label(step.node(candidate)), why_not));
    return;
  }
  const ConfigEpoch epoch = step.view().current_epoch();
  step.edit.set_last_vote_epoch(epoch);
  step.peer(*primary).voted = step.now.mono;
  step.save(Save::kBeforeSending);
  step.s.durability.hold(PromisedVote{step.node(candidate).id, epoch});
  step.log(LogLevel::kNotice,
           fmt::format("Failover auth granted to {} for epoch {}", label(step.node(candidate)), epoch.value));
}

std::shared_ptr<const Message> make_vote(const Step& step, const PersistedEpoch& proof) {
  Message vote{make_header(step), AuthAck{}};
  // The current epoch may have moved on while the promise went to disk; the vote counts for the epoch it was given in.
  vote.header.current_epoch = proof.epoch();
  return std::make_shared<const Message>(std::move(vote));
}

}  // namespace ashlar::cluster
