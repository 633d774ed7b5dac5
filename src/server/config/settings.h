/// Every setting of a server as one plain value, grouped by concern. `Config{}` holds the defaults: the initialisers
/// below are the only place where the default of a bound directive stands (the table formats them for CONFIG GET and
/// the docs).
///
/// Thread: a value; the server publishes an immutable copy to its loops after each CONFIG SET.
/// Source: names, units and defaults of Redis 7.0.15, of Valkey 8.1 where Redis has no such directive.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"

namespace ashlar::config {

/// Who may do something guarded: no one, everyone, or clients connected through loopback or the Unix socket.
enum class Access : std::uint8_t { kNo, kYes, kLocal };
/// Where a client comes from, as far as Access::kLocal asks.
enum class Locality : std::uint8_t { kRemote, kLocal };
[[nodiscard]] constexpr bool allows(Access access, Locality client) noexcept {
  return access == Access::kYes || (access == Access::kLocal && client == Locality::kLocal);
}

/// Place of a line in the configuration: file (or "standard input", "the command line options") and line, from 1.
struct Where {
  std::string source;
  std::size_t line = 0;
  std::string text;  // the line itself, trimmed
};

struct NetworkConfig {
  std::uint16_t port = 6379;                      // 0: no TCP
  std::vector<std::string> bind = {"*", "-::*"};  // a leading '-': no error when the address is missing; empty: no TCP
  std::uint32_t tcp_backlog = 511;
  Seconds tcp_keepalive{300};  // zero: off
  bool protected_mode = true;
  std::string unix_socket;             // path; empty: none
  std::uint32_t unix_socket_mode = 0;  // permission bits; 0: as the umask leaves them
  std::string unix_socket_group;       // empty: the process's own
};

/// Kinds of clients with their own output limits; the order is that of CONFIG GET.
enum class ClientClass : std::uint8_t { kNormal, kReplica, kPubSub };
struct OutputBufferLimit {
  std::uint64_t hard = 0;  // bytes; 0: none
  std::uint64_t soft = 0;  // bytes; 0: none
  Seconds soft_for{0};     // how long above `soft` before the client is closed
  auto operator<=>(const OutputBufferLimit&) const = default;
};
/// An amount of memory in bytes or in percent of maxmemory; 0 bytes: no limit.
struct MemoryShare {
  enum class Unit : std::uint8_t { kBytes, kPercent };
  std::uint64_t amount = 0;
  Unit unit = Unit::kBytes;
};

struct ClientsConfig {
  std::uint32_t max_clients = 10'000;
  Seconds idle_timeout{0};                           // zero: never
  std::uint64_t query_buffer_limit = 1ULL << 30;     // bytes
  std::uint64_t max_bulk_length = 512ULL << 20;      // bytes
  MemoryShare memory_limit;                          // all clients together
  std::array<OutputBufferLimit, 3> output_limits = {{// by ClientClass
                                                     {0, 0, Seconds(0)},
                                                     {256ULL << 20, 64ULL << 20, Seconds(60)},
                                                     {32ULL << 20, 8ULL << 20, Seconds(60)}}};
  [[nodiscard]] const OutputBufferLimit& output_limit(ClientClass c) const {
    return output_limits[static_cast<std::size_t>(c)];
  }
};

struct RenamedCommand {
  std::string from;
  std::string to;  // empty: the command is taken away
  Where where;
};
/// A `user` line as it stood in the configuration; the words include "user".
struct UserLine {
  std::vector<std::string> words;
  Where where;
};
struct SecurityConfig {
  std::string password;  // requirepass; empty: none
  Access debug_command = Access::kNo;
  Access protected_configs = Access::kNo;
  Access module_command = Access::kNo;
  std::vector<RenamedCommand> renamed_commands;
  std::vector<UserLine> users;
};

enum class Supervision : std::uint8_t { kNone, kUpstart, kSystemd, kAuto };
/// What SHUTDOWN options a signal implies; bits of ShutdownFlag, 0: as the save points say.
enum class ShutdownFlag : std::uint8_t { kSave = 1, kNoSave = 2, kNow = 4, kForce = 8 };
struct ProcessConfig {
  std::uint32_t threads = 1;  // event loops; load() sets the default from the number of processors
  std::uint32_t databases = 16;
  bool daemonize = false;
  Supervision supervised = Supervision::kNone;
  std::string pid_file;   // empty: none, or the usual one when daemonized
  std::uint32_t hz = 10;  // 1..500 rounds of background work a second
  Seconds shutdown_timeout{10};
  std::uint8_t on_sigint = 0;
  std::uint8_t on_sigterm = 0;
};

struct LogConfig {
  log::Level level = log::Level::kNotice;
  std::string file;  // empty: standard output
};

/// Classes of keyspace events, the bits of MonitorConfig::events. Source: Redis' NOTIFY_* values.
enum class EventClass : std::uint32_t {
  kKeyspace = 1U << 0,  // publish to __keyspace@
  kKeyevent = 1U << 1,  // publish to __keyevent@
  kGeneric = 1U << 2,
  kString = 1U << 3,
  kList = 1U << 4,
  kSet = 1U << 5,
  kHash = 1U << 6,
  kSortedSet = 1U << 7,
  kExpired = 1U << 8,
  kEvicted = 1U << 9,
  kStream = 1U << 10,
  kKeyMiss = 1U << 11,
  kModule = 1U << 13,
  kNewKey = 1U << 14,
};
struct MonitorConfig {
  std::optional<Micros> slow_log_threshold = Micros(10'000);  // nullopt: the log is off
  std::uint64_t slow_log_length = 128;                        // entries
  Millis latency_threshold{0};                                // zero: off
  bool latency_tracking = true;
  std::vector<double> latency_percentiles = {50, 99, 99.9};
  std::uint32_t events = 0;  // bits of EventClass
};

struct SavePoint {
  Seconds period;             // >= 1
  std::uint32_t changes = 0;  // at least so many in `period`
};
struct SnapshotConfig {
  std::vector<SavePoint> save_points = {{Seconds(3600), 1}, {Seconds(300), 100}, {Seconds(60), 10'000}};
  std::string file_name = "dump.rdb";
  std::string directory = ".";  // absolute after load()
  bool compress = true;
  bool checksum = true;
  bool stop_writes_on_error = true;
  bool delete_sync_files = false;
  bool incremental_sync = true;
};

enum class FsyncPolicy : std::uint8_t { kAlways, kEverySecond, kNever };
struct AofConfig {
  bool enabled = false;
  std::string file_name = "appendonly.aof";
  std::string directory_name = "appendonlydir";
  FsyncPolicy fsync = FsyncPolicy::kEverySecond;
  bool no_fsync_on_rewrite = false;
  std::uint32_t rewrite_percentage = 100;        // growth since the last rewrite; 0: never by itself
  std::uint64_t rewrite_min_size = 64ULL << 20;  // bytes
  bool load_truncated = true;
  bool rdb_preamble = true;
  bool timestamps = false;
  bool incremental_sync = true;
  bool keep_history = false;  // aof-disable-auto-gc
};

struct Upstream {
  std::string host;
  std::uint16_t port = 0;
};
enum class DisklessLoad : std::uint8_t { kDisabled, kOnEmptyDatabase, kSwap };
struct ReplicationConfig {
  std::optional<Upstream> upstream;  // replicaof; the server keeps it current when REPLICAOF changes it
  std::string user;                  // masteruser; empty: the default user
  std::string password;              // masterauth
  bool serve_stale_data = true;
  bool read_only = true;
  bool announced = true;
  std::uint32_t priority = 100;
  std::string announce_ip;          // empty: what the socket says
  std::uint16_t announce_port = 0;  // 0: the port listened on
  bool diskless_sync = true;
  Seconds diskless_sync_delay{5};
  std::uint32_t diskless_sync_max_replicas = 0;  // 0: wait the whole delay
  DisklessLoad diskless_load = DisklessLoad::kDisabled;
  Seconds ping_period{10};
  Seconds timeout{60};
  bool disable_tcp_nodelay = false;
  std::uint64_t backlog_size = 1ULL << 20;  // bytes
  Seconds backlog_ttl{3600};                // zero: never freed
  std::uint32_t min_replicas_to_write = 0;
  Seconds min_replicas_max_lag{10};
  bool ignore_max_memory = true;
  bool ignore_disk_write_errors = false;
  bool lazy_flush = false;
};

enum class EndpointType : std::uint8_t { kIp, kHostname, kUnknown };
struct ClusterConfig {
  bool enabled = false;
  std::string nodes_file = "nodes.conf";
  Millis node_timeout{15'000};
  std::uint16_t bus_port = 0;  // cluster-port; 0: port + 10000
  std::uint32_t replica_validity_factor = 10;
  std::uint32_t migration_barrier = 1;
  bool allow_replica_migration = true;
  bool require_full_coverage = true;
  bool replica_no_failover = false;
  bool allow_reads_when_down = false;
  bool allow_shard_pubsub_when_down = true;
  std::uint64_t link_buffer_limit = 0;  // bytes; 0: none
  std::string announce_ip;
  std::string announce_hostname;
  std::string announce_nodename;
  std::uint16_t announce_port = 0;
  std::uint16_t announce_bus_port = 0;
  std::uint16_t announce_tls_port = 0;
  EndpointType preferred_endpoint = EndpointType::kIp;
};

enum class EvictionPolicy : std::uint8_t {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllKeysLru,
  kAllKeysLfu,
  kAllKeysRandom,
  kNone,
};
struct MemoryConfig {
  std::uint64_t max_memory = 0;  // bytes; 0: no limit
  EvictionPolicy policy = EvictionPolicy::kNone;
  std::uint32_t samples = 5;
  std::uint32_t eviction_tenacity = 10;  // 0..100
  std::uint32_t lfu_log_factor = 10;
  std::uint32_t lfu_decay_minutes = 1;
  std::uint32_t active_expire_effort = 1;  // 1..10
  bool lazy_eviction = false;
  bool lazy_expire = false;
  bool lazy_server_del = false;
  bool lazy_user_del = false;
  bool lazy_user_flush = false;
};

/// Limits up to which a value keeps its compact encoding.
struct EncodingConfig {
  std::uint64_t hash_max_listpack_entries = 512;
  std::uint64_t hash_max_listpack_value = 64;  // bytes
  std::uint64_t set_max_intset_entries = 512;
  std::uint64_t set_max_listpack_entries = 128;
  std::uint64_t set_max_listpack_value = 64;  // bytes
  std::uint64_t zset_max_listpack_entries = 128;
  std::uint64_t zset_max_listpack_value = 64;  // bytes
  std::int32_t list_max_listpack_size = -2;    // > 0: entries; -1..-5: 4, 8, 16, 32, 64 KiB
  std::uint32_t list_compress_depth = 0;
  std::uint64_t hll_sparse_max_bytes = 3000;
  std::uint64_t stream_node_max_bytes = 4096;
  std::uint64_t stream_node_max_entries = 100;
};

/// Where the configuration came from.
struct Origin {
  std::string config_file;            // absolute path; empty: started without one
  std::uint32_t default_threads = 1;  // what `threads` is when no one says
  std::string working_directory = ".";
};

struct Config {
  NetworkConfig network;
  ClientsConfig clients;
  SecurityConfig security;
  ProcessConfig process;
  LogConfig log;
  MonitorConfig monitor;
  SnapshotConfig snapshot;
  AofConfig aof;
  ReplicationConfig replication;
  ClusterConfig cluster;
  MemoryConfig memory;
  EncodingConfig encoding;
  Origin origin;
  /// Canonical text of directives without a member of their own, by name; only what was set.
  std::map<std::string, std::string, std::less<>> kept;
};

}  // namespace ashlar::config
