#include "cluster/core/election.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cluster/core/cluster_state.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/manual_failover.h"
#include "cluster/core/roles.h"
#include "cluster/core/slot_claims.h"

namespace ashlar::cluster {
namespace {

/// All from Redis Cluster, clusterHandleSlaveFailover.
constexpr Millis kElectionDelay{500};  // lets the FAIL message spread
constexpr std::int64_t kElectionJitterMs = 500;
constexpr Millis kDelayPerRank{1'000};
constexpr Millis kVoteTimeoutMin{2'000};
constexpr Seconds kRelogPeriod{10};  // CLUSTER_CANT_FAILOVER_RELOG_PERIOD
constexpr Millis kQuietAfterFailure{5'000};

Micros vote_timeout(const Step& step) { return std::max(step.options().node_timeout * 2, kVoteTimeoutMin); }

/// Replicas of my primary that have more of its data than I.
std::size_t my_rank(const Step& step) {
  const auto primary = step.me().primary_id();
  if (!primary) return 0;
  const auto better = [&](const Node* replica) {
    return replica->id != step.me().id && !replica->no_failover && replica->offset > step.s.replication.offset;
  };
  const auto replicas = replicas_of(step.view(), *primary);
  return static_cast<std::size_t>(std::ranges::count_if(replicas, better));
}

std::string_view reason_text(CantFailover reason) {
  switch (reason) {
    case CantFailover::kDataAge:
      return "Disconnected from master for longer than allowed. Please check the 'cluster-replica-validity-factor' "
             "configuration option.";
    case CantFailover::kNoData:
      return "I have never had the data of my master since I started or since I follow it. CLUSTER FAILOVER FORCE or "
             "TAKEOVER would lose what it has.";
    case CantFailover::kWaitingDelay: return "Waiting the delay before I can start a new failover.";
    case CantFailover::kExpired: return "Failover attempt expired.";
    case CantFailover::kWaitingVotes: return "Waiting for votes, but majority still not reached.";
    case CantFailover::kNone: break;
  }
  return "";
}

/// Says why not, once per reason and again every ten seconds, and not at all while the failure is young.
void log_cant(Step& step, const Node& primary, CantFailover reason) {
  State& s = step.s;
  const bool recent = s.cant_failover_logged && step.now.mono - *s.cant_failover_logged < kRelogPeriod;
  if (reason == s.cant_failover && recent) return;
  s.cant_failover = reason;
  if (primary.failed_at && step.now.mono - *primary.failed_at < step.options().node_timeout + kQuietAfterFailure)
    return;
  s.cant_failover_logged = step.now.mono;
  step.log(LogLevel::kNotice, fmt::format("Currently unable to failover: {}", reason_text(reason)));
}

/// What is wrong with my data: kNone, kDataAge or kNoData. A factor of 0 takes any data for good enough.
CantFailover fault_of_data(const Step& step) {
  const Options& o = step.options();
  if (o.replica_validity_factor == 0) return CantFailover::kNone;
  if (!step.s.replication.last_contact) return CantFailover::kNoData;
  Micros age = step.now.mono - *step.s.replication.last_contact;
  if (age > o.node_timeout) age -= o.node_timeout;
  const Micros allowed = o.repl_ping_period + o.node_timeout * static_cast<std::int64_t>(o.replica_validity_factor);
  return age > allowed ? CantFailover::kDataAge : CantFailover::kNone;
}

void schedule(Step& step) {
  Election& e = step.s.election;
  const bool manual = step.s.manual.ends.has_value();
  e = Election{};
  e.rank = manual ? 0 : my_rank(step);
  const Micros delay = manual ? Micros{0}
                              : kElectionDelay + Millis(step.rng.below(kElectionJitterMs)) +
                                    kDelayPerRank * static_cast<std::int64_t>(e.rank);
  e.starts = step.now.mono + delay;
  if (manual) step.handle_failover = true;
  step.log(LogLevel::kNotice, fmt::format("Start of election delayed for {} milliseconds (rank #{}, offset {}).",
                                          delay.count() / 1000, e.rank, step.s.replication.offset.value));
  // My fellow replicas learn my offset, and may find that theirs is better.
  broadcast_pong(step, Audience::kMyShard);
}

void update_rank(Step& step) {
  Election& e = step.s.election;
  if (e.requested || step.s.manual.ends) return;
  const std::size_t rank = my_rank(step);
  if (rank <= e.rank) return;
  const Millis added = kDelayPerRank * static_cast<std::int64_t>(rank - e.rank);
  e.starts = *e.starts + added;
  e.rank = rank;
  step.log(LogLevel::kNotice,
           fmt::format("Replica rank updated to #{}, added {} milliseconds of delay.", rank, added.count()));
}

void request_votes(Step& step) {
  Election& e = step.s.election;
  step.edit.set_current_epoch(step.view().current_epoch().plus(1));
  e.epoch = step.view().current_epoch();
  e.requested = true;
  step.save(Save::kBeforeSending);
  step.evaluate_state = true;
  step.log(LogLevel::kNotice, fmt::format("Starting a failover election for epoch {}.", e.epoch.value));
  Message request{make_header(step), AuthRequest{}};
  request.header.force_ack = step.s.manual.ends.has_value();
  const auto message = std::make_shared<const Message>(std::move(request));
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex to = step.view().nth_index(i);
    if (to != step.view().my_index() && !step.node(to).handshake) step.send_to(to, message);
  }
}

void win(Step& step) {
  step.log(LogLevel::kNotice, "Failover election won: I'm the new master.");
  const ConfigEpoch won = step.s.election.epoch;
  if (step.me().config_epoch < won && !step.options().faults.keep_epoch_when_elected) {
    step.edit.edit(step.view().my_index()).config_epoch = won;
    step.log(LogLevel::kNotice, fmt::format("configEpoch set to {} after successful failover", won.value));
  }
  take_over(step);
}

/// Something to do at all: my primary serves slots and has failed, or an operator wants it replaced.
bool wanted(const Step& step, const Node& primary) {
  const bool manual = step.s.manual.ends && step.s.manual.can_start;
  if (primary.slot_count == 0) return false;
  return manual || (primary.failed() && !step.options().replica_no_failover);
}

}  // namespace

void advance_election(Step& step) {
  const auto id = step.me().primary_id();
  const Node* primary = id ? step.view().find(*id) : nullptr;
  if (primary == nullptr || !wanted(step, *primary)) {
    step.s.cant_failover = CantFailover::kNone;
    return;
  }
  if (const CantFailover fault = fault_of_data(step); !step.s.manual.ends && fault != CantFailover::kNone) {
    return log_cant(step, *primary, fault);
  }

  Election& e = step.s.election;
  const Micros timeout = vote_timeout(step);
  if (!e.starts || step.now.mono - *e.starts > timeout * 2) return schedule(step);
  update_rank(step);
  if (step.now.mono < *e.starts) return log_cant(step, *primary, CantFailover::kWaitingDelay);
  if (step.now.mono - *e.starts > timeout) return log_cant(step, *primary, CantFailover::kExpired);
  if (!e.requested) return request_votes(step);
  if (e.voters.size() >= step.view().quorum()) return win(step);
  log_cant(step, *primary, CantFailover::kWaitingVotes);
}

void on_auth_ack(Step& step, NodeIndex voter, ConfigEpoch epoch) {
  const Node& node = step.node(voter);
  Election& e = step.s.election;
  if (!e.requested || !node.is_primary() || node.slot_count == 0 || epoch < e.epoch) return;
  e.voters.insert(node.id);
  step.handle_failover = true;
}

void take_over(Step& step) {
  const auto id = step.me().primary_id();
  const auto old = id ? step.view().index_of(*id) : std::nullopt;
  if (!old) return;
  const NodeIndex self = step.view().my_index();
  const SlotBitmap slots = step.node(*old).slots;
  set_as_primary(step, self);
  for (const SlotRange& range : slots.ranges()) {
    for (std::uint32_t s = range.first.value(); s <= range.last.value(); ++s) assign_slot(step, SlotId::wrap(s), self);
  }
  step.s.election = Election{};  // its votes were for this once
  step.s.following.reset();
  step.fx.role = BecomePrimary{};
  step.save(Save::kBeforeSending);
  evaluate_cluster_state(step);
  broadcast_pong(step, Audience::kAll);
  reset_manual_failover(step);
}

}  // namespace ashlar::cluster
