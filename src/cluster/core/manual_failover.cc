#include "cluster/core/manual_failover.h"

#include <fmt/format.h>

#include "cluster/core/election.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/slot_claims.h"

namespace ashlar::cluster {
namespace {

constexpr Millis kManualTimeout{5'000};  // CLUSTER_MF_TIMEOUT
constexpr int kPauseFactor = 2;          // CLUSTER_MF_PAUSE_MULT: the pause outlives the attempt

}  // namespace

void start_manual_failover(Step& step, FailoverMode mode) {
  reset_manual_failover(step);
  // An earlier attempt must not make the operator wait for its retry time.
  step.s.election = Election{};
  ManualFailover& manual = step.s.manual;
  manual.ends = step.now.mono + kManualTimeout;
  switch (mode) {
    case FailoverMode::kTakeover:
      step.log(LogLevel::kNotice, "Taking over the master (user request).");
      bump_epoch(step);
      take_over(step);
      return;
    case FailoverMode::kForce:
      step.log(LogLevel::kNotice, "Forced failover user request accepted.");
      manual.can_start = true;
      step.handle_failover = true;
      return;
    case FailoverMode::kDefault:
      step.log(LogLevel::kNotice, "Manual failover user request accepted.");
      if (const auto id = step.me().primary_id()) {
        if (const auto primary = step.view().index_of(*id)) {
          step.send_to(*primary, make_message(step, ManualFailoverStart{}));
        }
      }
      return;
  }
}

void on_manual_failover_start(Step& step, NodeIndex from) {
  if (step.node(from).primary_id() != step.me().id) return;
  reset_manual_failover(step);
  step.s.manual.ends = step.now.mono + kManualTimeout;
  step.s.manual.replica = step.node(from).id;
  step.fx.pause = PauseWrites{step.now.mono + kManualTimeout * kPauseFactor};
  step.log(LogLevel::kNotice, fmt::format("Manual failover requested by replica {}.", label(step.node(from))));
}

void on_writes_paused(Step& step, ReplOffset offset) {
  ManualFailover& manual = step.s.manual;
  if (!manual.replica || !manual.ends) return;
  step.s.replication.offset = offset;
  manual.paused = true;
  // The replica waits for this offset; do not let it wait for the next tick.
  if (const auto replica = step.view().index_of(*manual.replica)) ping(step, *replica, HeartbeatKind::kPing);
}

void note_paused_offset(Step& step, NodeIndex sender, const MessageHeader& header) {
  ManualFailover& manual = step.s.manual;
  if (!manual.ends || !header.paused || manual.primary_offset) return;
  if (step.me().primary_id() != step.node(sender).id) return;
  manual.primary_offset = header.offset;
  step.handle_manual = true;
  step.log(LogLevel::kNotice,
           fmt::format("Received replication offset for paused master manual failover: {}", header.offset.value));
}

void advance_manual_failover(Step& step) {
  ManualFailover& manual = step.s.manual;
  if (!manual.ends || manual.can_start || !manual.primary_offset) return;
  if (!step.s.replication.last_contact) return;  // an offset that is equal by chance: we have none of the data yet
  if (*manual.primary_offset != step.s.replication.offset) return;
  manual.can_start = true;
  step.handle_failover = true;
  step.log(LogLevel::kNotice, "All master replication stream processed, manual failover can start.");
}

void expire_manual_failover(Step& step) {
  if (!step.s.manual.ends || step.now.mono <= *step.s.manual.ends) return;
  step.log(LogLevel::kWarning, "Manual failover timed out.");
  reset_manual_failover(step);
}

void reset_manual_failover(Step& step) {
  if (step.s.manual.replica) step.fx.pause = ResumeWrites{};
  step.s.manual = ManualFailover{};
}

}  // namespace ashlar::cluster
