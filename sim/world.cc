#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cluster/core/nodes_conf.h"

namespace ashlar::sim {

using cluster::Effects;
using cluster::Event;
using cluster::LinkId;

namespace {

constexpr Millis kTick{100};
constexpr Millis kPauseDelay{5};  // until every loop of a server has stopped writing
constexpr std::int64_t kBytesPerTick = 100;
constexpr std::uint16_t kPort = 6379;
/// Longest wait for an answer to a command; longer means it was lost.
constexpr Seconds kAnswerLimit{30};

}  // namespace

struct World::Host {
  std::string ip;
  cluster::Options options;
  Rng rng{0};
  Power power = Power::kProcessDown;
  std::uint32_t incarnation = 0;
  std::optional<cluster::ClusterNode> node;

  double drift_ppm = 0;
  Micros wall_skew{0};

  std::string disk;  // durable nodes.conf
  std::optional<DurableFacts> durable;
  std::optional<cluster::Persist> writing;

  ReplOffset offset;
  std::optional<HostIndex> follows;
  std::optional<MonoTime> last_contact;  // in the host's own time
  bool replicating = false;
  bool replication_held = false;
  bool paused = false;
  std::size_t slots_dropped = 0;
  std::vector<cluster::Publish> delivered;
};

World::World(WorldOptions options) : options_(std::move(options)), rng_(options_.seed) {
  Network::Hooks hooks;
  hooks.up = [this](HostIndex host, LinkId link) { feed(host, cluster::LinkUp{link}); };
  hooks.lost = [this](HostIndex host, LinkId link, cluster::LinkEnd how) { feed(host, cluster::LinkLost{link, how}); };
  hooks.message = [this](HostIndex to, HostIndex from, LinkId link, std::shared_ptr<const cluster::Message> message) {
    feed(to, cluster::BusMessage{link, hosts_[from]->ip, hosts_[to]->ip, std::move(message)});
  };
  network_ = std::make_unique<Network>(scheduler_, rng_.fork(), options_.network, std::move(hooks));
}

World::~World() = default;

HostIndex World::add_host() {
  const HostIndex index = hosts_.size();
  auto host = std::make_unique<Host>();
  host->ip = fmt::format("10.0.{}.{}", index / 250, index % 250 + 1);
  host->options = options_.node;
  host->options.port = kPort;
  host->options.bus_port = kPort + cluster::kBusPortOffset;
  host->rng = rng_.fork();
  host->drift_ppm = (rng_.unit() * 2 - 1) * options_.clock_drift_ppm;
  host->wall_skew = Micros(Millis(rng_.between(-options_.clock_skew.count(), options_.clock_skew.count())));
  hosts_.push_back(std::move(host));
  network_->add_host();
  boot(index);
  return index;
}

void World::boot(HostIndex index) {
  Host& host = *hosts_[index];
  host.power = Power::kRunning;
  network_->set_power(index, Power::kRunning);
  ++host.incarnation;
  host.last_contact.reset();
  host.follows.reset();
  host.replicating = host.paused = false;
  if (host.disk.empty()) {
    host.node.emplace(cluster::ClusterNode::fresh(host.options, clock(index), host.rng));
  } else {
    auto view = cluster::parse_nodes_conf(host.disk, host.options);
    ASH_CHECK(view.has_value());
    host.node.emplace(cluster::ClusterNode::restore(host.options, std::move(*view), clock(index)));
  }
  const std::uint32_t incarnation = host.incarnation;
  const Micros phase(rng_.below(static_cast<std::uint64_t>(Micros(kTick).count())));
  scheduler_.after(phase, [this, index, incarnation] { tick(index, incarnation); });
}

void World::hold_replication(HostIndex replica) { hosts_[replica]->replication_held = true; }

cluster::Now World::clock(HostIndex index) const {
  const Host& host = *hosts_[index];
  const auto world = scheduler_.now().time_since_epoch();
  const Micros drift(static_cast<std::int64_t>(static_cast<double>(world.count()) * host.drift_ppm / 1e6));
  const MonoTime mono(world + drift + Seconds(static_cast<std::int64_t>(index)));
  return {mono, WallTime(Seconds(1'700'000'000) + world + drift + host.wall_skew)};
}

void World::run_for(Micros time) {
  const MonoTime limit = scheduler_.now() + time;
  while (scheduler_.run_one(limit)) {
  }
}

bool World::run_until(const std::function<bool()>& done, Micros limit) {
  const MonoTime end = scheduler_.now() + limit;
  while (!done()) {
    if (scheduler_.now() >= end) return false;
    run_for(Millis{50});
  }
  return true;
}

void World::tick(HostIndex index, std::uint32_t incarnation) {
  Host& host = *hosts_[index];
  if (host.power != Power::kRunning || host.incarnation != incarnation) return;
  replicate(index);
  feed(index, cluster::ReplicationStatus{host.offset, host.last_contact});
  feed(index, cluster::TimerTick{});
  scheduler_.after(kTick, [this, index, incarnation] { tick(index, incarnation); });
}

/// Data as far as elections care: primaries that serve produce stream, replicas in reach copy it.
void World::replicate(HostIndex index) {
  Host& host = *hosts_[index];
  if (!host.follows) {
    if (writing_ && accepts_writes(index)) host.offset = host.offset.plus(kBytesPerTick);
    return;
  }
  const Host& primary = *hosts_[*host.follows];
  const bool up = !host.replication_held && primary.power == Power::kRunning && network_->flows(index, *host.follows) &&
                  network_->flows(*host.follows, index);
  if (up) {
    host.offset = primary.offset;
    host.last_contact = clock(index).mono;
  }
  host.replicating = up;
}

void World::feed(HostIndex index, const Event& event) {
  Host& host = *hosts_[index];
  if (host.power != Power::kRunning) return;
  Effects effects = host.node->step(event, clock(index), host.rng);
  ++steps_;
  mix(index);
  mix(event.index());
  mix(static_cast<std::uint64_t>(scheduler_.now().time_since_epoch().count()));
  mix(effects.sends.size() * 31 + effects.connects.size() * 7 + effects.closes.size());
  mix(host.node->view().current_epoch().value);
  mix(static_cast<std::uint64_t>(effects.view_changed));
  check(index, event, effects);
  apply(index, event, effects);
}

void World::check(HostIndex index, const Event& event, const Effects& effects) {
  const Host& host = *hosts_[index];
  StepRecord record{host.node->view(), effects, host.durable, {}, host.node->held_back(), false};
  for (const cluster::Send& send : effects.sends) {
    const auto peer = network_->peer_of(index, send.link);
    record.receivers.push_back(peer && hosts_[*peer]->node ? std::optional(hosts_[*peer]->node->view().myself().id)
                                                           : std::nullopt);
  }
  if (const auto* admin = std::get_if<cluster::Admin>(&event)) {
    const auto* failover = std::get_if<cluster::Failover>(&admin->command);
    record.by_command = std::holds_alternative<cluster::Reset>(admin->command) ||
                        (failover != nullptr && failover->mode == cluster::FailoverMode::kTakeover);
  }
  checks_.look(record);
}

void World::apply(HostIndex index, const Event&, Effects& effects) {
  for (const cluster::LogLine& line : effects.log) {
    if (line.level >= cluster::LogLevel::kNotice) say(index, line.text);
  }
  carry_out_links(index, effects);
  if (effects.persist) write_disk(index, std::move(*effects.persist));
  carry_out_data(index, effects);
  for (cluster::AdminReply& reply : effects.replies) answers_.emplace(reply.id, std::move(reply.value));
}

void World::carry_out_links(HostIndex index, Effects& effects) {
  for (const cluster::Connect& connect : effects.connects) {
    network_->dial(index, connect.link, host_at(connect.ip));
  }
  for (cluster::Send& send : effects.sends) network_->send(index, send.link, std::move(send.message));
  for (const LinkId link : effects.closes) network_->close(index, link);
}

void World::carry_out_data(HostIndex index, Effects& effects) {
  Host& host = *hosts_[index];
  if (effects.flush_keyspace) host.offset = ReplOffset{};
  if (effects.role) {
    const auto* follow = std::get_if<cluster::FollowPrimary>(&*effects.role);
    host.follows = follow != nullptr ? host_at(follow->address.ip) : std::nullopt;
    if (host.follows == index) host.follows.reset();
    if (follow != nullptr && follow->data == cluster::FollowPrimary::Data::kOther) host.last_contact.reset();
    say(index, follow != nullptr ? "follows " + follow->address.ip : std::string("is primary"));
  }
  for (const cluster::SlotRange& range : effects.slots_lost) {
    host.slots_dropped += range.last.value() - range.first.value() + 1U;
  }
  for (cluster::Publish& publish : effects.deliveries) host.delivered.push_back(std::move(publish));
  if (!effects.pause) return;
  const bool pause = std::holds_alternative<cluster::PauseWrites>(*effects.pause);
  if (!pause) {
    host.paused = false;
    return;
  }
  const std::uint32_t incarnation = host.incarnation;
  scheduler_.after(kPauseDelay, [this, index, incarnation] {
    Host& paused = *hosts_[index];
    if (paused.incarnation != incarnation || paused.power != Power::kRunning) return;
    paused.paused = true;
    feed(index, cluster::WritesPaused{paused.offset});
  });
}

void World::write_disk(HostIndex index, cluster::Persist persist) {
  Host& host = *hosts_[index];
  ASH_CHECK(!host.writing.has_value());
  host.writing = std::move(persist);
  const std::uint32_t incarnation = host.incarnation;
  const auto jitter = static_cast<std::uint64_t>(options_.disk.jitter.count());
  scheduler_.after(options_.disk.base + Micros(rng_.below(jitter + 1)), [this, index, incarnation] {
    Host& done = *hosts_[index];
    if (done.incarnation != incarnation || done.power != Power::kRunning) return;
    const cluster::PersistToken token = done.writing->token;
    set_disk(index, std::move(done.writing->text));
    done.writing.reset();
    feed(index, cluster::Persisted{token});
  });
}

void World::set_disk(HostIndex index, std::string nodes_conf) {
  Host& host = *hosts_[index];
  host.disk = std::move(nodes_conf);
  const auto view = cluster::parse_nodes_conf(host.disk, host.options);
  ASH_CHECK(view.has_value());
  // A message may leave after the write that followed the one it waited for, when a demotion has taken the epoch away.
  ConfigEpoch claimed = view->myself().config_epoch;
  if (host.durable && host.durable->id == view->myself().id) claimed = std::max(claimed, host.durable->my_config_epoch);
  host.durable = DurableFacts{view->myself().id, view->current_epoch(), view->last_vote_epoch(), claimed};
}

void World::crash(HostIndex index, Power how) {
  Host& host = *hosts_[index];
  if (host.power != Power::kRunning) return;
  say(index, how == Power::kProcessDown ? "process dies" : "machine dies");
  if (host.writing) {
    // The new file may have replaced the old one before anybody was told. A torn temporary file never does, and if it
    // did it would not pass for a whole one.
    const std::string torn = host.writing->text.substr(0, rng_.below(host.writing->text.size()));
    ASH_CHECK(!cluster::parse_nodes_conf(torn, host.options));
    if (rng_.chance(0.5)) set_disk(index, std::move(host.writing->text));
    host.writing.reset();
  }
  host.power = how;
  host.node.reset();
  network_->set_power(index, how);
}

void World::restart(HostIndex index, Disk disk) {
  Host& host = *hosts_[index];
  if (host.power == Power::kRunning) return;
  if (disk == Disk::kLost) {
    host.disk.clear();
    host.durable.reset();
    host.offset = ReplOffset{};
  }
  say(index, "starts");
  boot(index);
}

void World::move_to(HostIndex index, std::string ip) {
  ASH_CHECK(!runs(index) && !host_at(ip));
  hosts_[index]->ip = std::move(ip);
}

void World::jump_clock(HostIndex index, Millis by) { hosts_[index]->wall_skew += by; }

void World::isolate(HostIndex index) {
  std::vector<HostIndex> rest;
  for (HostIndex other = 0; other < size(); ++other) {
    if (other != index) rest.push_back(other);
  }
  split({index}, rest);
}

void World::split(const std::vector<HostIndex>& one, const std::vector<HostIndex>& other) {
  for (const HostIndex a : one) {
    for (const HostIndex b : other) {
      network_->cut(a, b);
      network_->cut(b, a);
    }
  }
}

void World::command_later(HostIndex index, cluster::AdminCommand command) {
  feed(index, cluster::Admin{cluster::AdminId{next_admin_++}, std::move(command)});
}

Result<cluster::AdminValue> World::command(HostIndex index, cluster::AdminCommand command) {
  const cluster::AdminId id{next_admin_};
  command_later(index, std::move(command));
  if (!run_until([&] { return answers_.contains(id); }, kAnswerLimit)) return fail("no answer");
  auto answer = std::move(answers_.at(id));
  answers_.erase(id);
  return answer;
}

const cluster::View& World::view(HostIndex index) const {
  ASH_CHECK(runs(index));
  return hosts_[index]->node->view();
}
bool World::runs(HostIndex index) const { return hosts_[index]->power == Power::kRunning; }
NodeId World::id(HostIndex index) const { return view(index).myself().id; }
std::string World::ip(HostIndex index) const { return hosts_[index]->ip; }
ReplOffset World::offset(HostIndex index) const { return hosts_[index]->offset; }
std::size_t World::slots_dropped(HostIndex index) const { return hosts_[index]->slots_dropped; }
const std::vector<cluster::Publish>& World::delivered(HostIndex index) const { return hosts_[index]->delivered; }
const std::string& World::disk(HostIndex index) const { return hosts_[index]->disk; }

bool World::accepts_writes(HostIndex index) const {
  const Host& host = *hosts_[index];
  if (host.power != Power::kRunning || host.paused) return false;
  const cluster::View& view = host.node->view();
  return view.myself().is_primary() && view.myself().slot_count > 0 && view.state() == cluster::ClusterState::kOk;
}

std::optional<HostIndex> World::host_of(const NodeId& id) const {
  for (HostIndex i = 0; i < size(); ++i) {
    if (runs(i) && view(i).myself().id == id) return i;
  }
  return std::nullopt;
}

std::optional<HostIndex> World::host_at(const std::string& ip) const {
  for (HostIndex i = 0; i < size(); ++i) {
    if (hosts_[i]->ip == ip) return i;
  }
  return std::nullopt;
}

std::optional<std::string> World::why_not_settled() const {
  std::vector<const cluster::View*> views;
  for (HostIndex i = 0; i < size(); ++i) {
    if (runs(i)) views.push_back(&view(i));
  }
  return sim::why_not_settled(views);
}

void World::mix(std::uint64_t value) noexcept {
  hash_ = (hash_ ^ value) * 0x100000001b3ULL;
  hash_ ^= hash_ >> 29;
}

void World::say(HostIndex index, std::string text) {
  if (!options_.trace) return;
  const double seconds = static_cast<double>(scheduler_.now().time_since_epoch().count()) / 1e6;
  options_.trace(fmt::format("{:10.3f} #{} {}", seconds, index, text));
}

}  // namespace ashlar::sim
