#include "replication/failover.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/log.h"

namespace ashlar::replication {
namespace {

std::optional<ReplicaStatus> find(const std::vector<ReplicaStatus>& all, const net::Endpoint& target) {
  const auto it = std::ranges::find_if(all, [&](const ReplicaStatus& replica) {
    return iequals(replica.address, target.address) && replica.port == target.port;
  });
  if (it == all.end()) return std::nullopt;
  return *it;
}

}  // namespace

Result<void> Failover::begin(const FailoverRequest& request) {
  if (state() != State::kNone) return fail("FAILOVER already in progress.");
  const std::vector<ReplicaStatus> replicas = parts_.replicas.status();
  if (replicas.empty()) return fail("FAILOVER requires connected replicas.");
  const bool force = request.at_timeout == FailoverRequest::AtTimeout::kForce;
  if (force && (!request.timeout || !request.target)) {
    return fail("FAILOVER with force option requires both a timeout and target HOST and IP.");
  }
  if (request.target) {
    const auto replica = find(replicas, *request.target);
    if (!replica) return fail("FAILOVER target HOST and PORT is not a replica.");
    if (!replica->announced) return fail("FAILOVER target replica is not online.");
    log::notice("FAILOVER requested to {}:{}.", request.target->address, request.target->port);
  } else {
    log::notice("FAILOVER requested to any replica.");
  }
  request_ = request;
  deadline_.reset();
  if (request.timeout) deadline_ = parts_.loop.now() + *request.timeout;
  state_ = State::kWaitForSync;
  parts_.host.hold_writes(Host::Hold::kBegins);
  parts_.replicas.ask_for_acks();
  return {};
}

Result<void> Failover::abort() {
  if (state() == State::kNone) return fail("No failover in progress.");
  give_up("Failover manually aborted");
  return {};
}

void Failover::tick() {
  if (state() != State::kWaitForSync) return;
  if (deadline_ && parts_.loop.now() >= *deadline_) {
    if (request_.at_timeout == FailoverRequest::AtTimeout::kGiveUp) {
      return give_up("Replica never caught up before timeout");
    }
    log::notice("FAILOVER to {}:{} time out exceeded, failing over.", request_.target->address, request_.target->port);
    return hand_over(net::Endpoint(*request_.target));
  }
  const std::vector<ReplicaStatus> replicas = parts_.replicas.status();
  std::optional<ReplicaStatus> heir;
  if (request_.target) {
    heir = find(replicas, *request_.target);
  } else {
    const auto it = std::ranges::max_element(replicas, {}, &ReplicaStatus::offset);
    if (it != replicas.end()) heir = *it;
  }
  if (!heir || !heir->announced || heir->offset != parts_.stream.end()) return;
  log::notice("Failover target {}:{} is synced, failing over.", heir->address, heir->port);
  hand_over({heir->address, heir->port});
}

void Failover::hand_over(const net::Endpoint& heir) {
  request_.target = heir;
  state_ = State::kInProgress;
  parts_.follow(heir);
}

void Failover::answered(Answer answer) {
  if (state() != State::kInProgress) return;
  if (answer == Answer::kAccepted) return clear();
  give_up("Failover target rejected psync request");
}

void Failover::give_up(std::string_view why) {
  if (request_.target) {
    log::notice("FAILOVER to {}:{} aborted: {}", request_.target->address, request_.target->port, why);
  } else {
    log::notice("FAILOVER to any replica aborted: {}", why);
  }
  if (state() == State::kInProgress) parts_.promote();
  clear();
}

void Failover::clear() {
  state_ = State::kNone;
  request_ = {};
  deadline_.reset();
  parts_.host.hold_writes(Host::Hold::kEnds);
}

}  // namespace ashlar::replication
