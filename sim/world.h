/// A whole cluster in one process on virtual time: hosts with clocks, disks and data, the network between them, and the
/// checks that watch every step. Everything follows from one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/core/node.h"
#include "sim/checks.h"
#include "sim/network.h"
#include "sim/scheduler.h"

namespace ashlar::sim {

struct WorldOptions {
  std::uint64_t seed = 1;
  cluster::Options node;  // of every host; ports and address are filled in
  Latency network;
  Latency disk{Micros{500}, Micros{4'500}};  // until a write is durable
  double clock_drift_ppm = 50;               // hosts' clocks run wrong by up to this
  Millis clock_skew{200};                    // and their wall clocks stand wrong by up to this
  std::function<void(std::string)> trace;    // one line per notable thing, if set
};

/// Thread: one.
class World {
 public:
  explicit World(WorldOptions options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// A new host with an empty disk; it runs at once.
  HostIndex add_host();
  [[nodiscard]] std::size_t size() const noexcept { return hosts_.size(); }
  [[nodiscard]] MonoTime now() const noexcept { return scheduler_.now(); }
  void run_for(Micros time);
  /// Runs until `done` holds, looking every 50 ms; false if it still does not after `limit`.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, Micros limit);

  /// What a host believes; it must run.
  [[nodiscard]] const cluster::View& view(HostIndex host) const;
  [[nodiscard]] bool runs(HostIndex host) const;
  [[nodiscard]] NodeId id(HostIndex host) const;
  [[nodiscard]] std::optional<HostIndex> host_of(const NodeId& id) const;
  [[nodiscard]] std::string ip(HostIndex host) const;

  void crash(HostIndex host, Power how);
  /// Starts a stopped host from what its disk kept. `disk` kLost: from nothing.
  enum class Disk : std::uint8_t { kKept, kLost };
  void restart(HostIndex host, Disk disk = Disk::kKept);
  /// Gives a stopped host another address.
  void move_to(HostIndex host, std::string ip);
  /// Moves the wall clock of a host.
  void jump_clock(HostIndex host, Millis by);
  [[nodiscard]] Network& network() noexcept { return *network_; }
  /// Both directions between `host` and everybody else.
  void isolate(HostIndex host);
  void split(const std::vector<HostIndex>& one, const std::vector<HostIndex>& other);

  /// Gives a command and runs until it is answered.
  Result<cluster::AdminValue> command(HostIndex host, cluster::AdminCommand command);
  /// Gives a command whose answer nobody waits for.
  void command_later(HostIndex host, cluster::AdminCommand command);

  /// Whether clients write; primaries that serve then produce replication stream.
  /// The replica does not get its primary's data from now on, though the bus between them works.
  void hold_replication(HostIndex replica);
  void set_writing(bool on) { writing_ = on; }
  [[nodiscard]] ReplOffset offset(HostIndex host) const;
  /// Whether the host's clients may write: it serves as a primary and is not paused.
  [[nodiscard]] bool accepts_writes(HostIndex host) const;
  /// Slots whose keys the host was told to delete.
  [[nodiscard]] std::size_t slots_dropped(HostIndex host) const;
  [[nodiscard]] const std::vector<cluster::Publish>& delivered(HostIndex host) const;
  /// The durable nodes.conf of a host.
  [[nodiscard]] const std::string& disk(HostIndex host) const;
  /// Replaces the disk of a host that does not run.
  void set_disk(HostIndex host, std::string nodes_conf);

  [[nodiscard]] Checks& checks() noexcept { return checks_; }
  /// Why the running hosts do not make one healthy cluster; nullopt if they do.
  [[nodiscard]] std::optional<std::string> why_not_settled() const;
  /// A number that depends on every step so far.
  [[nodiscard]] std::uint64_t trace_hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

 private:
  struct Host;

  void boot(HostIndex host);
  void feed(HostIndex host, const cluster::Event& event);
  void apply(HostIndex host, const cluster::Event& event, cluster::Effects& effects);
  void check(HostIndex host, const cluster::Event& event, const cluster::Effects& effects);
  void carry_out_links(HostIndex host, cluster::Effects& effects);
  void carry_out_data(HostIndex host, cluster::Effects& effects);
  void write_disk(HostIndex host, cluster::Persist persist);
  void tick(HostIndex host, std::uint32_t incarnation);
  void replicate(HostIndex host);
  void mix(std::uint64_t value) noexcept;
  void say(HostIndex host, std::string text);
  [[nodiscard]] cluster::Now clock(HostIndex host) const;
  [[nodiscard]] std::optional<HostIndex> host_at(const std::string& ip) const;

  WorldOptions options_;
  Rng rng_;
  Scheduler scheduler_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Checks checks_;
  bool writing_ = false;
  std::uint64_t next_admin_ = 1;
  std::map<cluster::AdminId, Result<cluster::AdminValue>> answers_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t steps_ = 0;
};

}  // namespace ashlar::sim
