/// Settings of the data and its copies: snapshots, append-only file, replication, cluster, memory, encodings. The
/// initialisers are the defaults. Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace ashlar::config {

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
  // Aids for tests of what happens while data is saved or loaded.
  std::int32_t key_save_delay = 0;              // as the next
  std::int32_t key_load_delay = 0;              // microseconds after each key; -n: one microsecond after n keys
  std::int32_t loading_turn_bytes = 2'097'152;  // from one look at the sockets to the next
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
  std::uint32_t min_replicas_ack = 0;  // replies of writes wait for so many replicas; 0: for none
  bool min_replicas_ack_fsync = false;
  Millis min_replicas_ack_timeout{1000};
  bool ignore_max_memory = true;
  bool lazy_flush = false;
  bool import_mode = false;
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
  std::uint32_t databases = 1;  // instead of `databases`, which is for servers outside of a cluster
  bool slot_stats = false;
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
  std::uint32_t lfu_log_factor = 10;
  std::uint32_t lfu_decay_minutes = 1;
  bool lazy_expire = false;
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

}  // namespace ashlar::config
