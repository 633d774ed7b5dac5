#include "cluster/core/node.h"

#include <utility>

#include "cluster/core/admin.h"
#include "cluster/core/cluster_state.h"
#include "cluster/core/election.h"
#include "cluster/core/failure_detection.h"
#include "cluster/core/heartbeat.h"
#include "cluster/core/links.h"
#include "cluster/core/manual_failover.h"
#include "cluster/core/nodes_conf.h"
#include "cluster/core/receive.h"
#include "cluster/core/replica_migration.h"
#include "cluster/core/roles.h"
#include "cluster/core/state.h"
#include "cluster/core/voting.h"

namespace ashlar::cluster {
namespace {

/// Ticks between pings of a random member: one second. Source: clusterCron.
constexpr std::uint64_t kTicksPerRandomPing = 10;

/// What the options say about oneself, into the view.
void apply_announcements(Step& step) {
  const Options& o = step.options();
  Node mine = step.me();
  const std::string ip = o.announce_ip.empty() ? mine.address.ip : o.announce_ip;
  mine.address = NodeAddress{ip, o.port, o.tls_port, o.bus_port};
  mine.hostname = o.announce_hostname;
  mine.human_name = o.announce_human_name;
  mine.no_failover = o.replica_no_failover;
  const Node& old = step.me();
  if (mine.address == old.address && mine.hostname == old.hostname && mine.human_name == old.human_name &&
      mine.no_failover == old.no_failover) {
    return;
  }
  step.edit.edit(step.view().my_index()) = std::move(mine);
  step.save(Save::kLater);
}

void tick(Step& step) {
  ++step.s.ticks;
  tend_links(step);
  if (step.s.ticks % kTicksPerRandomPing == 0) ping_random_member(step);
  close_stuck_links(step);
  ping_silent_members(step);
  suspect_silent_members(step);
  refresh_following(step);
  expire_manual_failover(step);
  if (step.me().is_replica()) {
    step.handle_manual = true;
    step.handle_failover = true;
    consider_migration(step);
  }
  if (step.view().state() == ClusterState::kFail) step.evaluate_state = true;
}

/// Whether the file must hold what the command changed before it is answered. Open slots need not: a crash that
/// forgets them loses nothing, for the keys tell where they are and the epochs tell who owns the slot; and moving a
/// slot takes half a dozen of these commands. An epoch that changes on the way is a promise of its own.
bool answer_waits_for_disk(const AdminCommand& command) {
  return !std::holds_alternative<SetSlotMigrating>(command) && !std::holds_alternative<SetSlotImporting>(command) &&
         !std::holds_alternative<SetSlotStable>(command) && !std::holds_alternative<SetSlotNode>(command) &&
         !std::holds_alternative<CountFailureReports>(command) && !std::holds_alternative<PublishOut>(command);
}

struct EventVisitor {
  Step& step;

  void operator()(const BusMessage& event) const { receive(step, event); }
  void operator()(const TimerTick&) const { tick(step); }
  void operator()(const LinkUp& event) const { on_link_up(step, event.link); }
  void operator()(const LinkLost& event) const { on_link_lost(step, event); }
  void operator()(const Persisted& event) const { step.s.durability.written(event.token); }
  void operator()(const ReplicationStatus& event) const {
    const bool moved = step.s.replication.offset != event.offset;
    step.s.replication = event;
    if (!moved) return;
    step.edit.edit(step.view().my_index()).offset = event.offset;
    step.touch();
    step.handle_manual = true;
  }
  void operator()(const WritesPaused& event) const { on_writes_paused(step, event.offset); }
  void operator()(const Reconfigured& event) const {
    // What was announced may be nobody's; the next heartbeat shows where we are.
    if (!step.options().announce_ip.empty() && event.options.announce_ip.empty()) step.s.own_address_seen = false;
    step.s.options = event.options;
    apply_announcements(step);
    step.evaluate_state = true;
  }
  void operator()(const LoadedSlots& event) const { adopt_loaded_slots(step, event.with_keys); }
  void operator()(const Admin& event) const {
    AdminReply reply{event.id, run_admin(step, event.command)};
    if (answer_waits_for_disk(event.command)) step.s.durability.promise_changes();
    step.s.durability.hold(std::move(reply));
  }
};

/// What one event set off and must be done before the next: elections that can go on, the verdict on the cluster.
void settle(Step& step) {
  // Each round of an election arms the next one at most twice: scheduled, votes asked for.
  for (int round = 0; round < 3 && (step.handle_manual || step.handle_failover); ++round) {
    if (std::exchange(step.handle_manual, false)) advance_manual_failover(step);
    if (std::exchange(step.handle_failover, false)) advance_election(step);
  }
  if (step.evaluate_state) evaluate_cluster_state(step);
}

/// Starts a write of nodes.conf if one is due, and lets go of what waited for the last one.
void settle_durability(Step& step) {
  Durability& durability = step.s.durability;
  if (durability.wants_write()) {
    const PersistToken token = durability.begin_write();
    step.fx.persist = Persist{token, format_nodes_conf(step.view(), step.options())};
  }
  for (const DurableVote& vote : durability.release(step.fx)) {
    const auto candidate = step.view().index_of(vote.candidate);
    if (!candidate) continue;
    const auto link = step.peer(*candidate).link;
    if (link && step.s.links.at(*link).up) step.fx.sends.push_back({*link, make_vote(step, vote.proof)});
  }
}

Node make_myself(Rng& rng) {
  Node node;
  node.id = draw_node_id(rng);
  node.shard = draw_node_id(rng);
  node.role = Primary{};
  return node;
}

}  // namespace

ClusterNode::ClusterNode(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClusterNode::ClusterNode(ClusterNode&&) noexcept = default;
ClusterNode& ClusterNode::operator=(ClusterNode&&) noexcept = default;
ClusterNode::~ClusterNode() = default;

ClusterNode ClusterNode::fresh(Options options, Now now, Rng& rng) {
  ClusterNode node = restore(std::move(options), View(make_myself(rng)), now);
  node.state_->durability.note_promise();
  return node;
}

ClusterNode ClusterNode::restore(Options options, View stored, Now now) {
  const auto trust = options.faults.vote_before_persist ? Durability::Trust::kBlind : Durability::Trust::kDisk;
  auto state = std::make_unique<State>(std::move(options), std::move(stored));
  state->durability = Durability(trust);
  ViewEditor edit(state->view);
  edit.set_wall_offset(now.wall.time_since_epoch() - now.mono.time_since_epoch());
  for (std::size_t i = 0; i < state->view.size(); ++i) {
    const NodeIndex index = state->view.nth_index(i);
    if (state->peers.size() <= index.value) state->peers.resize(index.value + 1U);
    state->peers[index.value].created = now.mono;
    if (state->view.node(index).failed()) edit.edit(index).failed_at = now.mono;
    if (index != state->view.my_index() && state->view.node(index).linked) edit.edit(index).linked = false;
  }
  // Silent until the first step, which has somewhere to put its effects.
  Rng unused(0);
  Effects dropped;
  Step step(*state, now, unused, dropped);
  apply_announcements(step);
  return ClusterNode(std::move(state));
}

Effects ClusterNode::step(const Event& event, Now now, Rng& rng) {
  Effects fx;
  Step step(*state_, now, rng, fx);
  step.edit.set_wall_offset(now.wall.time_since_epoch() - now.mono.time_since_epoch());
  std::visit(EventVisitor{step}, event);
  settle(step);
  settle_durability(step);
  return fx;
}

const View& ClusterNode::view() const noexcept { return state_->view; }
const Options& ClusterNode::options() const noexcept { return state_->options; }
std::size_t ClusterNode::held_back() const noexcept { return state_->durability.waiting(); }

}  // namespace ashlar::cluster
