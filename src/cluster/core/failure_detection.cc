#include "cluster/core/failure_detection.h"

#include <algorithm>

#include <fmt/format.h>

#include "cluster/core/heartbeat.h"

namespace ashlar::cluster {
namespace {

/// Failure reports count for this many node timeouts. Source: CLUSTER_FAIL_REPORT_VALIDITY_MULT.
constexpr int kReportValidity = 2;
/// A failed primary that is back and still owns slots is believed after this many node timeouts.
/// Source: CLUSTER_FAIL_UNDO_TIME_MULT.
constexpr int kFailUndo = 2;

void suspect(Step& step, NodeIndex index) {
  step.edit.edit(index).health = Health::kSuspected;
  ++step.s.suspected;
  step.log(LogLevel::kDebug, fmt::format("Node {} possibly failing", label(step.node(index))));
  step.topology_changed();
  step.evaluate_state = true;
}

void fail(Step& step, NodeIndex index) {
  Node& node = step.edit.edit(index);
  node.health = Health::kFailed;
  node.failed_at = step.now.mono;
  step.save(Save::kLater);
  step.evaluate_state = true;
}

/// A suspect fails when a majority of the primaries, myself included if I am one, calls it failing.
void fail_if_agreed(Step& step, NodeIndex index) {
  if (step.node(index).health != Health::kSuspected) return;
  const std::size_t reports = count_failure_reports(step, index) + (step.me().is_primary() ? 1 : 0);
  if (reports < step.view().quorum()) return;
  step.log(LogLevel::kNotice, fmt::format("Marking node {} as failing (quorum reached).", label(step.node(index))));
  fail(step, index);
  broadcast(step, FailNotice{step.node(index).id});
}

void clear_failure(Step& step, NodeIndex index, std::string_view why) {
  step.log(LogLevel::kNotice, fmt::format("Clear FAIL state for node {}: {}", label(step.node(index)), why));
  Node& node = step.edit.edit(index);
  node.health = Health::kOnline;
  node.failed_at.reset();
  step.save(Save::kLater);
  step.evaluate_state = true;
}

/// Silent for longer than the node timeout, on the link and as an answer to the ping.
bool timed_out(const Step& step, const Node& node, const Peer& peer) {
  if (!node.ping_sent) return false;
  MonoTime heard = *node.ping_sent;
  if (peer.data_received) heard = std::max(heard, *peer.data_received);
  return step.now.mono - heard > step.options().node_timeout;
}

/// Its process is gone, and stays away longer than a restart is given.
bool crashed(const Step& step, const Peer& peer) {
  const Millis grace = step.options().crash_grace;
  return grace > Millis{0} && peer.refused_since && step.now.mono - *peer.refused_since > grace;
}

}  // namespace

void suspect_silent_members(Step& step) {
  bool crash = false;
  for (std::size_t i = 0; i < step.view().size(); ++i) {
    const NodeIndex index = step.view().nth_index(i);
    const Node& node = step.node(index);
    if (index == step.view().my_index() || node.no_address || node.handshake) continue;
    if (node.health != Health::kOnline) continue;
    const bool gone = crashed(step, step.peer(index));
    if (!gone && !timed_out(step, node, step.peer(index))) continue;
    suspect(step, index);
    crash = crash || gone;
  }
  // Gossip would carry the suspicion within a second or so; a crash is worth telling at once.
  if (crash) broadcast_pong(step, Audience::kAll);
}

void note_report(Step& step, NodeIndex about, NodeIndex reporter, Report report) {
  auto& reports = step.peer(about).failure_reports;
  const NodeId& id = step.node(reporter).id;
  if (report == Report::kDown) {
    if (reports.insert_or_assign(id, step.now.mono).second) {
      step.log(LogLevel::kVerbose, fmt::format("Node {} reported node {} as not reachable.", label(step.node(reporter)),
                                               label(step.node(about))));
    }
    fail_if_agreed(step, about);
  } else if (reports.erase(id) > 0) {
    step.log(LogLevel::kVerbose, fmt::format("Node {} reported node {} is back online.", label(step.node(reporter)),
                                             label(step.node(about))));
  }
}

std::size_t count_failure_reports(Step& step, NodeIndex about) {
  auto& reports = step.peer(about).failure_reports;
  const Micros validity = step.options().node_timeout * kReportValidity;
  std::erase_if(reports, [&](const auto& report) { return step.now.mono - report.second > validity; });
  return reports.size();
}

void on_fail_notice(Step& step, NodeIndex sender, const NodeId& failed) {
  const auto index = step.view().index_of(failed);
  if (!index || *index == step.view().my_index() || step.node(*index).failed()) return;
  if (step.node(*index).handshake) return;
  step.log(LogLevel::kNotice,
           fmt::format("FAIL message received from {} about {}", label(step.node(sender)), label(step.node(*index))));
  fail(step, *index);
}

void clear_failure_after_pong(Step& step, NodeIndex index) {
  const Node& node = step.node(index);
  if (node.health == Health::kSuspected) {
    step.edit.edit(index).health = Health::kOnline;
    step.save(Save::kLater);
    step.evaluate_state = true;
  } else if (node.failed()) {
    if (node.is_replica() || node.slot_count == 0) {
      clear_failure(step, index,
                    node.is_replica() ? "replica is reachable again." : "master without slots is reachable again.");
    } else if (!node.failed_at || step.now.mono - *node.failed_at > step.options().node_timeout * kFailUndo) {
      clear_failure(step, index, "is reachable again and nobody is serving its slots after some time.");
    }
  }
}

}  // namespace ashlar::cluster
