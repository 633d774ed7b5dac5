/// Directives of replication, the cluster and TLS.
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::string_view kNoTls = "this build has no TLS; the value is kept and answered";
constexpr std::string_view kTlsRefused = "this build has no TLS; turning it on is refused";
constexpr std::string_view kNotBuiltIn = "built without TLS";

constexpr std::array<ChoiceName, 3> kDisklessLoadNames = {{{"disabled", number(DisklessLoad::kDisabled)},
                                                           {"on-empty-db", number(DisklessLoad::kOnEmptyDatabase)},
                                                           {"swapdb", number(DisklessLoad::kSwap)}}};
constexpr std::array<ChoiceName, 3> kPropagationNames = {{{"ignore", 0}, {"panic", 1}, {"panic-on-replicas", 2}}};
constexpr std::array<ChoiceName, 3> kEndpointNames = {{{"ip", number(EndpointType::kIp)},
                                                       {"hostname", number(EndpointType::kHostname)},
                                                       {"unknown-endpoint", number(EndpointType::kUnknown)}}};
constexpr std::array<ChoiceName, 3> kTlsClientNames = {{{"no", 0}, {"yes", 1}, {"optional", 2}}};

std::string_view hostname_problem(const Value& value) {
  const auto& host = std::get<std::string>(value);
  if (host.size() >= 256) return "Hostnames must be less than 256 characters";
  for (const char c : host) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!fine) return "Hostnames may only contain alphanumeric characters, hyphens or dots";
  }
  return {};
}
/// An address, or a name in its place, that can stand in nodes.conf and on the bus.
std::string_view address_problem(const Value& value) {
  constexpr std::size_t kMost = 45;
  const auto& address = std::get<std::string>(value);
  if (address.size() > kMost) return "Announced addresses must have at most 45 characters";
  for (const char c : address) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string_view("-._:%").find(c) != std::string_view::npos;
    if (!fine) return "Announced addresses may only contain alphanumeric characters and any of -._:%";
  }
  return {};
}
/// A name that can stand in nodes.conf and on the bus.
std::string_view nodename_problem(const Value& value) {
  constexpr std::string_view kReserved = "!#$%&()*+:;<>?@[]^{|}~,=\"'\\/";
  if (std::get<std::string>(value).size() >= 256) return "Announced human node names must be less than 256 characters";
  for (const char c : std::get<std::string>(value)) {
    if (c <= ' ' || c >= 0x7f || kReserved.find(c) != std::string_view::npos) {
      return "Announced human node name contained invalid character";
    }
  }
  return {};
}
std::string_view tls_port_problem(const Value& value) { return std::get<std::int64_t>(value) != 0 ? kNotBuiltIn : ""; }
std::string_view tls_use_problem(const Value& value) { return std::get<bool>(value) ? kNotBuiltIn : ""; }

constexpr std::array kReplicationRows = {
    special("replicaof", kUpstreamRules).alias("slaveof").immutable(),
    text("masteruser", ASH_BIND(replication.user)).alias("primaryuser").sensitive(),
    text("masterauth", ASH_BIND(replication.password)).alias("primaryauth").sensitive(),
    yes_no("replica-serve-stale-data", ASH_BIND(replication.serve_stale_data)).alias("slave-serve-stale-data"),
    yes_no("replica-read-only", ASH_BIND(replication.read_only)).alias("slave-read-only"),
    yes_no("replica-announced", ASH_BIND(replication.announced)),
    integer("replica-priority", ASH_BIND(replication.priority), 0, kInt32Max).alias("slave-priority"),
    text("replica-announce-ip", ASH_BIND(replication.announce_ip)).alias("slave-announce-ip"),
    integer("replica-announce-port", ASH_BIND(replication.announce_port), 0, kPortMax).alias("slave-announce-port"),
    yes_no("repl-diskless-sync", ASH_BIND(replication.diskless_sync)),
    integer("repl-diskless-sync-delay", ASH_BIND(replication.diskless_sync_delay), 0, kInt32Max),
    integer("repl-diskless-sync-max-replicas", ASH_BIND(replication.diskless_sync_max_replicas), 0, kInt32Max),
    choice("repl-diskless-load", ASH_BIND(replication.diskless_load), kDisklessLoadNames).not_while_loading(),
    integer("repl-ping-replica-period", ASH_BIND(replication.ping_period), 1, kInt32Max)
        .alias("repl-ping-slave-period"),
    integer("repl-timeout", ASH_BIND(replication.timeout), 1, kInt32Max),
    yes_no("repl-disable-tcp-nodelay", ASH_BIND(replication.disable_tcp_nodelay)),
    memory("repl-backlog-size", ASH_BIND(replication.backlog_size), 1, kInt64Max),
    integer("repl-backlog-ttl", ASH_BIND(replication.backlog_ttl), 0, kLongestSeconds),
    integer("min-replicas-to-write", ASH_BIND(replication.min_replicas_to_write), 0, kInt32Max)
        .alias("min-slaves-to-write"),
    integer("min-replicas-max-lag", ASH_BIND(replication.min_replicas_max_lag), 0, kInt32Max)
        .alias("min-slaves-max-lag"),
    integer("min-replicas-ack", ASH_BIND(replication.min_replicas_ack), 0, kInt32Max)
        .ours("replicas that must have a write before its reply leaves: acknowledged-writes.md"),
    yes_no("min-replicas-ack-fsync", ASH_BIND(replication.min_replicas_ack_fsync))
        .ours("whether they must have it on disk"),
    integer("min-replicas-ack-timeout", ASH_BIND(replication.min_replicas_ack_timeout), 1, kLongestMillis)
        .ours("milliseconds until such a reply becomes an error"),
    yes_no("replica-ignore-maxmemory", ASH_BIND(replication.ignore_max_memory)).alias("slave-ignore-maxmemory"),
    yes_no("replica-ignore-disk-write-errors", "no")
        .idle("a replica that cannot write its files goes on, and its log says so"),
    yes_no("replica-lazy-flush", ASH_BIND(replication.lazy_flush)).alias("slave-lazy-flush"),
    choice("propagation-error-behavior", "ignore", kPropagationNames)
        .idle("a command from the primary that fails is logged and counted"),
    yes_no("dual-channel-replication-enabled", "no").idle("a full synchronisation uses one connection"),
    yes_no("import-mode", ASH_BIND(replication.import_mode)),
};

constexpr std::array kClusterRows = {
    yes_no("cluster-enabled", ASH_BIND(cluster.enabled)).immutable(),
    text("cluster-config-file", ASH_BIND(cluster.nodes_file)).immutable().may_be_empty(),
    integer("cluster-node-timeout", ASH_BIND(cluster.node_timeout), 0, kLongestMillis),
    integer("cluster-port", ASH_BIND(cluster.bus_port), 0, kPortMax).immutable(),
    integer("cluster-replica-validity-factor", ASH_BIND(cluster.replica_validity_factor), 0, kInt32Max)
        .alias("cluster-slave-validity-factor"),
    integer("cluster-migration-barrier", ASH_BIND(cluster.migration_barrier), 0, kInt32Max),
    yes_no("cluster-allow-replica-migration", ASH_BIND(cluster.allow_replica_migration)),
    yes_no("cluster-require-full-coverage", ASH_BIND(cluster.require_full_coverage)),
    yes_no("cluster-replica-no-failover", ASH_BIND(cluster.replica_no_failover)).alias("cluster-slave-no-failover"),
    yes_no("cluster-allow-reads-when-down", ASH_BIND(cluster.allow_reads_when_down)),
    yes_no("cluster-allow-pubsubshard-when-down", ASH_BIND(cluster.allow_shard_pubsub_when_down)),
    memory("cluster-link-sendbuf-limit", ASH_BIND(cluster.link_buffer_limit), 0, kUint64Max),
    text("cluster-announce-ip", ASH_BIND(cluster.announce_ip)).checked(address_problem),
    text("cluster-announce-hostname", ASH_BIND(cluster.announce_hostname)).checked(hostname_problem),
    text("cluster-announce-human-nodename", ASH_BIND(cluster.announce_nodename)).checked(nodename_problem),
    integer("cluster-announce-port", ASH_BIND(cluster.announce_port), 0, kPortMax),
    integer("cluster-announce-bus-port", ASH_BIND(cluster.announce_bus_port), 0, kPortMax),
    integer("cluster-announce-tls-port", ASH_BIND(cluster.announce_tls_port), 0, kPortMax),
    choice("cluster-preferred-endpoint-type", ASH_BIND(cluster.preferred_endpoint), kEndpointNames),
    text("cluster-announce-client-ipv4", "").idle("clients are told `cluster-announce-ip`"),
    text("cluster-announce-client-ipv6", "").idle("clients are told `cluster-announce-ip`"),
    integer("cluster-blacklist-ttl", "60", 0, kInt64Max)
        .idle("a forgotten node is kept away for a minute, as in Redis"),
    integer("cluster-databases", ASH_BIND(cluster.databases), 1, kInt32Max).immutable(),
    yes_no("cluster-slot-stats-enabled", ASH_BIND(cluster.slot_stats)),
};

constexpr std::array kTlsRows = {
    integer("tls-port", "0", 0, kPortMax).checked(tls_port_problem).idle(kTlsRefused),
    yes_no("tls-cluster", "no").checked(tls_use_problem).idle(kTlsRefused),
    yes_no("tls-replication", "no").checked(tls_use_problem).idle(kTlsRefused),
    choice("tls-auth-clients", "yes", kTlsClientNames).idle(kNoTls),
    text("tls-cert-file", "").idle(kNoTls),
    text("tls-key-file", "").idle(kNoTls),
    text("tls-key-file-pass", "").sensitive().idle(kNoTls),
    text("tls-client-cert-file", "").idle(kNoTls),
    text("tls-client-key-file", "").idle(kNoTls),
    text("tls-client-key-file-pass", "").sensitive().idle(kNoTls),
    text("tls-dh-params-file", "").idle(kNoTls),
    text("tls-ca-cert-file", "").idle(kNoTls),
    text("tls-ca-cert-dir", "").idle(kNoTls),
    text("tls-protocols", "").idle(kNoTls),
    text("tls-ciphers", "").idle(kNoTls),
    text("tls-ciphersuites", "").idle(kNoTls),
    yes_no("tls-prefer-server-ciphers", "no").idle(kNoTls),
    yes_no("tls-session-caching", "yes").idle(kNoTls),
    integer("tls-session-cache-size", "20480", 0, kInt32Max).idle(kNoTls),
    integer("tls-session-cache-timeout", "300", 0, kInt32Max).idle(kNoTls),
};

}  // namespace

std::span<const Directive> replication_rows() noexcept { return kReplicationRows; }
std::span<const Directive> cluster_rows() noexcept { return kClusterRows; }
std::span<const Directive> tls_rows() noexcept { return kTlsRows; }

}  // namespace ashlar::config
