#include "sim/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/rng.h"
#include "sim/topology.h"
#include "sim/world.h"

namespace ashlar::sim {
namespace {

/// Clusters up to this size are built by commands, larger ones from files.
constexpr std::size_t kBuildByCommandsMax = 8;
/// After healing everything must be well within this many node timeouts, and some seconds for rejoin delays.
constexpr int kSettleTimeouts = 20;
constexpr Seconds kSettleExtra{60};

enum class Fault : std::uint8_t {
  kProcessDies,
  kMachineDies,
  kIsolate,
  kSplit,
  kCutOneWay,
  kStall,
  kBreakLinks,
  kClockJump,
  kMend,
  kFailover,
  kMoveSlot,
  kBumpEpoch,
  kCount,
};

class Swarm {
 public:
  explicit Swarm(const SwarmOptions& options)
      : options_(options),
        rng_(options.seed * 0x9e3779b97f4a7c15ULL + 1),
        shape_(draw_shape()),
        world_(world_options()) {
    for (double& weight : weights_) weight = rng_.chance(0.6) ? rng_.unit() : 0.0;
    // Faults that nobody ends would leave nothing to look at.
    weights_[static_cast<std::size_t>(Fault::kMend)] = 0.5 + rng_.unit();
    pace_ = Millis(rng_.between(200, 3'000));
  }

  SwarmResult run() {
    if (total() <= kBuildByCommandsMax) {
      build_by_commands(world_, shape_);
    } else {
      build_from_files(world_, shape_);
    }
    world_.set_writing(true);
    const MonoTime end = world_.now() + options_.faults_for;
    while (world_.now() < end) {
      world_.run_for(Millis(rng_.between(1, 2 * pace_.count())));
      restart_due(world_.now());
      inject(draw_fault());
    }
    heal();
    const Micros limit = node_timeout_ * kSettleTimeouts + kSettleExtra;
    (void)world_.run_until([&] { return !world_.why_not_settled(); }, limit);
    return result();
  }

 private:
  std::size_t total() const { return shape_.primaries * (1 + shape_.replicas_each) + shape_.spare_replicas; }

  Shape draw_shape() {
    const std::size_t nodes =
        options_.nodes != 0 ? std::clamp<std::size_t>(options_.nodes, 3, 100) : 3 + rng_.below(10);
    Shape shape;
    shape.replicas_each = rng_.chance(0.15) ? 0 : 1 + rng_.below(3);
    while (nodes / (shape.replicas_each + 1) < 3) --shape.replicas_each;
    shape.primaries = nodes / (shape.replicas_each + 1);
    shape.spare_replicas = nodes - shape.primaries * (shape.replicas_each + 1);
    return shape;
  }

  WorldOptions world_options() {
    WorldOptions world;
    world.seed = rng_.next();
    // Large clusters ping too much for short timeouts to be cheap.
    node_timeout_ = total() > 20 ? Millis{5'000} : Millis(rng_.between(500, 3'000));
    world.node.node_timeout = node_timeout_;
    world.node.replica_validity_factor = rng_.chance(0.5) ? 0 : 10;
    world.node.require_full_coverage = rng_.chance(0.5);
    world.node.allow_replica_migration = rng_.chance(0.7);
    world.node.crash_grace = rng_.chance(0.5) ? Millis{0} : Millis(rng_.between(100, 1'000));
    world.node.faults = options_.planted;
    world.network.jitter = Micros(rng_.between(100, 30'000));
    world.disk.jitter = Micros(rng_.between(100, 50'000));
    world.clock_skew = Millis(rng_.between(0, 2'000));
    world.trace = options_.trace;
    return world;
  }

  Fault draw_fault() {
    double sum = 0;
    for (const double weight : weights_) sum += weight;
    double at = rng_.unit() * sum;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      at -= weights_[i];
      if (at < 0) return static_cast<Fault>(i);
    }
    return Fault::kMend;
  }

  HostIndex any_host() { return rng_.below(world_.size()); }
  /// nullopt if three draws find none.
  template <typename Wanted>
  std::optional<HostIndex> any_running(Wanted wanted) {
    for (int draw = 0; draw < 3; ++draw) {
      const HostIndex host = any_host();
      if (world_.runs(host) && wanted(world_.view(host))) return host;
    }
    return std::nullopt;
  }

  void crash(Power how) {
    const HostIndex host = any_host();
    if (!world_.runs(host)) return;
    world_.crash(host, how);
    restarts_[host] = world_.now() + Millis(rng_.chance(0.3) ? rng_.between(10, 500) : rng_.between(500, 15'000));
  }

  void restart_due(MonoTime now) {
    for (auto at = restarts_.begin(); at != restarts_.end();) {
      if (at->second > now) {
        ++at;
        continue;
      }
      world_.restart(at->first);
      at = restarts_.erase(at);
    }
  }

  void inject(Fault fault) {
    Network& network = world_.network();
    switch (fault) {
      case Fault::kProcessDies: return crash(Power::kProcessDown);
      case Fault::kMachineDies: return crash(Power::kMachineDown);
      case Fault::kIsolate: return world_.isolate(any_host());
      case Fault::kSplit: return split();
      case Fault::kCutOneWay: return network.cut(any_host(), any_host());
      case Fault::kStall: return network.stall(any_host(), any_host(), Millis(rng_.between(10, 5'000)));
      case Fault::kBreakLinks:
        return network.break_links(any_host(), any_host(),
                                   rng_.chance(0.5) ? Network::Notice::kBoth : Network::Notice::kOneSide);
      case Fault::kClockJump: return world_.jump_clock(any_host(), Millis(rng_.between(-60'000, 60'000)));
      case Fault::kMend: return network.mend_all();
      case Fault::kFailover: return failover();
      case Fault::kMoveSlot: return move_slot();
      case Fault::kBumpEpoch:
      case Fault::kCount:
        if (const auto host = any_running([](const auto& view) { return view.myself().is_primary(); })) {
          world_.command_later(*host, cluster::BumpEpoch{});
        }
        return;
    }
  }

  void split() {
    std::vector<HostIndex> one;
    std::vector<HostIndex> other;
    for (HostIndex host = 0; host < world_.size(); ++host) (rng_.chance(0.5) ? one : other).push_back(host);
    world_.split(one, other);
  }

  void failover() {
    const auto replica = any_running([](const auto& view) { return view.myself().is_replica(); });
    if (!replica) return;
    const auto mode = rng_.chance(0.7) ? cluster::FailoverMode::kDefault : cluster::FailoverMode::kForce;
    world_.command_later(*replica, cluster::Failover{mode});
  }

  /// As redis-cli reshards: open both sides, close the target first, for its claim must win.
  void move_slot() {
    const auto has_slots = [](const auto& view) { return view.myself().slot_count > 0; };
    const auto source = any_running(has_slots);
    const auto target = any_running(has_slots);
    if (!source || !target || source == target) return;
    const SlotId slot = world_.view(*source).myself().slots.ranges().front().first;
    const std::string from = world_.id(*source).hex();
    const std::string to = world_.id(*target).hex();
    if (!world_.command(*target, cluster::SetSlotImporting{slot, from})) return;
    if (!world_.command(*source, cluster::SetSlotMigrating{slot, to})) return;
    if (!world_.command(*target, cluster::SetSlotNode{slot, to})) return;
    if (rng_.chance(0.2)) return;  // the operator's session ends half way
    (void)world_.command(*source, cluster::SetSlotNode{slot, to});
  }

  void heal() {
    world_.network().mend_all();
    for (const auto& [host, when] : restarts_) world_.restart(host);
    restarts_.clear();
    world_.run_for(node_timeout_);
    // What redis-cli --cluster fix does with migrations that nobody goes on with.
    for (HostIndex host = 0; host < world_.size(); ++host) {
      const auto open = world_.view(host).open_slots();
      for (const auto& [slot, state] : open) world_.command_later(host, cluster::SetSlotStable{slot});
    }
  }

  SwarmResult result() {
    SwarmResult result;
    result.complaints = world_.checks().violations();
    if (const auto reason = world_.why_not_settled()) result.complaints.push_back("not settled: " + *reason);
    result.trace_hash = world_.trace_hash();
    result.steps = world_.steps();
    result.marks = world_.checks().marks();
    result.summary = fmt::format(
        "seed {} primaries {} replicas {}+{} timeout {} ms: votes {} elections {} updates {} steps {}", options_.seed,
        shape_.primaries, shape_.primaries * shape_.replicas_each, shape_.spare_replicas, node_timeout_.count(),
        result.marks.votes, result.marks.elections, result.marks.updates, result.steps);
    return result;
  }

  const SwarmOptions& options_;
  Rng rng_;
  Shape shape_;
  Millis node_timeout_{0};
  World world_;
  std::array<double, static_cast<std::size_t>(Fault::kCount)> weights_{};
  Millis pace_{0};
  std::map<HostIndex, MonoTime> restarts_;
};

}  // namespace

SwarmResult run_swarm(const SwarmOptions& options) { return Swarm(options).run(); }

}  // namespace ashlar::sim
