/// What an operator decides about a node of the cluster: the cluster-* directives that the core obeys.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "cluster/core/types.h"

namespace ashlar::cluster {

/// Deliberate mistakes, all off outside the simulator, whose checkers must notice each of them.
struct Faults {
  bool vote_twice = false;               // grant a second vote in an epoch
  bool vote_before_persist = false;      // treat every write to nodes.conf as durable at once
  bool keep_epoch_when_elected = false;  // claim the primary's slots without the epoch won
  bool ignore_update = false;            // drop UPDATE messages
  bool ignore_collision = false;         // never move away from an equal config epoch
  bool forget_blacklist = false;         // take forgotten nodes back at the next gossip
};

/// Directive names stand behind each field; defaults are those of Redis 7.
struct Options {
  Millis node_timeout{15'000};                 // cluster-node-timeout
  Millis ping_interval{0};                     // cluster-ping-interval; 0 = half the node timeout
  std::uint32_t replica_validity_factor = 10;  // cluster-replica-validity-factor; 0 = any age of data will do
  Seconds repl_ping_period{10};                // repl-ping-replica-period
  std::uint32_t migration_barrier = 1;         // cluster-migration-barrier
  bool allow_replica_migration = true;         // cluster-allow-replica-migration
  bool require_full_coverage = true;           // cluster-require-full-coverage
  bool replica_no_failover = false;            // cluster-replica-no-failover
  /// How long a peer whose process is gone (connections refused) is given to come back before it is suspected; 0 = as
  /// long as any silent peer, which is what Redis does. Ours: no directive of Redis.
  Millis crash_grace{0};

  std::string announce_ip;          // cluster-announce-ip; empty = learn it from the connections
  std::string announce_hostname;    // cluster-announce-hostname
  std::string announce_human_name;  // cluster-announce-human-nodename
  std::uint16_t port = 0;           // announced plain port: cluster-announce-port, else port
  std::uint16_t tls_port = 0;       // announced TLS port: cluster-announce-tls-port, else tls-port
  std::uint16_t bus_port = 0;  // announced bus port: cluster-announce-bus-port, cluster-port, else base port + 10000
  bool tls_bus = false;        // tls-cluster: the base port of messages is the TLS one

  Faults faults;

  /// The port that messages carry first and clients of the bus's kind use.
  [[nodiscard]] std::uint16_t base_port() const noexcept { return tls_bus ? tls_port : port; }
  [[nodiscard]] NodeAddress announced_address() const { return {announce_ip, port, tls_port, bus_port}; }
};

/// `addr` as base port and other port, in the way messages carry them.
struct PortPair {
  std::uint16_t base = 0;
  std::uint16_t other = 0;
};
[[nodiscard]] inline PortPair wire_ports(const Options& options, const NodeAddress& addr) noexcept {
  return options.tls_bus ? PortPair{addr.tls_port, addr.port} : PortPair{addr.port, addr.tls_port};
}
/// The reverse of wire_ports().
[[nodiscard]] inline NodeAddress from_wire(const Options& options, std::string ip, PortPair ports,
                                           std::uint16_t bus_port) {
  return options.tls_bus ? NodeAddress{std::move(ip), ports.other, ports.base, bus_port}
                         : NodeAddress{std::move(ip), ports.base, ports.other, bus_port};
}

}  // namespace ashlar::cluster
