/// Directives of snapshots, the append-only file, memory and encodings.
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::string_view kNoDefrag = "memory is not moved to fight fragmentation";
constexpr std::string_view kPieceByPiece = "long files are always made durable piece by piece";
constexpr std::string_view kSlowToFree = "values that are slow to free always go to a background thread";

constexpr std::array<ChoiceName, 3> kFsyncNames = {{{"everysec", number(FsyncPolicy::kEverySecond)},
                                                    {"always", number(FsyncPolicy::kAlways)},
                                                    {"no", number(FsyncPolicy::kNever)}}};
constexpr std::array<ChoiceName, 8> kPolicyNames = {{{"volatile-lru", number(EvictionPolicy::kVolatileLru)},
                                                     {"volatile-lfu", number(EvictionPolicy::kVolatileLfu)},
                                                     {"volatile-random", number(EvictionPolicy::kVolatileRandom)},
                                                     {"volatile-ttl", number(EvictionPolicy::kVolatileTtl)},
                                                     {"allkeys-lru", number(EvictionPolicy::kAllKeysLru)},
                                                     {"allkeys-lfu", number(EvictionPolicy::kAllKeysLfu)},
                                                     {"allkeys-random", number(EvictionPolicy::kAllKeysRandom)},
                                                     {"noeviction", number(EvictionPolicy::kNone)}}};
constexpr std::array<ChoiceName, 3> kSanitizeNames = {{{"no", 0}, {"yes", 1}, {"clients", 2}}};

[[nodiscard]] bool is_path(const Value& value) {
  return std::get<std::string>(value).find_first_of("/\\") != std::string::npos;
}
std::string_view snapshot_file_problem(const Value& value) {
  return is_path(value) ? "dbfilename can't be a path, just a filename" : "";
}
std::string_view aof_file_problem(const Value& value) {
  if (std::get<std::string>(value).empty()) return "appendfilename can't be empty";
  return is_path(value) ? "appendfilename can't be a path, just a filename" : "";
}
std::string_view aof_directory_problem(const Value& value) {
  if (std::get<std::string>(value).empty()) return "appenddirname can't be empty";
  return is_path(value) ? "appenddirname can't be a path, just a dirname" : "";
}
std::string_view defrag_problem(const Value& value) {
  return std::get<bool>(value) ? "Active defragmentation cannot be enabled: this server does not move memory" : "";
}

constexpr std::array kSnapshotRows = {
    special("save", kSaveRules),
    special("dir", kDirectoryRules).guarded().not_while_loading(),
    text("dbfilename", ASH_BIND(snapshot.file_name)).may_be_empty().guarded().checked(snapshot_file_problem),
    yes_no("rdbcompression", ASH_BIND(snapshot.compress)),
    yes_no("rdbchecksum", ASH_BIND(snapshot.checksum)).immutable(),
    yes_no("stop-writes-on-bgsave-error", ASH_BIND(snapshot.stop_writes_on_error)),
    yes_no("rdb-del-sync-files", "no").idle("files of a synchronisation are temporary, and always removed"),
    yes_no("rdb-save-incremental-fsync", "yes").idle(kPieceByPiece),
    choice("sanitize-dump-payload", "no", kSanitizeNames)
        .idle("every payload and file is checked in full while it is read"),
    integer("rdb-key-save-delay", ASH_BIND(snapshot.key_save_delay), std::numeric_limits<std::int32_t>::min(),
            kInt32Max)
        .hidden(),
    integer("key-load-delay", ASH_BIND(snapshot.key_load_delay), std::numeric_limits<std::int32_t>::min(), kInt32Max)
        .hidden(),
    integer("loading-process-events-interval-bytes", ASH_BIND(snapshot.loading_turn_bytes), 1024, kInt32Max).hidden(),
};

constexpr std::array kAofRows = {
    yes_no("appendonly", ASH_BIND(aof.enabled)).not_while_loading(),
    text("appendfilename", ASH_BIND(aof.file_name)).immutable().may_be_empty().checked(aof_file_problem),
    text("appenddirname", ASH_BIND(aof.directory_name)).immutable().may_be_empty().checked(aof_directory_problem),
    choice("appendfsync", ASH_BIND(aof.fsync), kFsyncNames),
    yes_no("no-appendfsync-on-rewrite", ASH_BIND(aof.no_fsync_on_rewrite)),
    integer("auto-aof-rewrite-percentage", ASH_BIND(aof.rewrite_percentage), 0, kInt32Max),
    memory("auto-aof-rewrite-min-size", ASH_BIND(aof.rewrite_min_size), 0, kInt64Max),
    yes_no("aof-load-truncated", ASH_BIND(aof.load_truncated)),
    yes_no("aof-use-rdb-preamble", ASH_BIND(aof.rdb_preamble)),
    yes_no("aof-timestamp-enabled", ASH_BIND(aof.timestamps)),
    yes_no("aof-rewrite-incremental-fsync", "yes").idle(kPieceByPiece),
    yes_no("aof-disable-auto-gc", ASH_BIND(aof.keep_history)),
};

constexpr std::array kMemoryRows = {
    memory("maxmemory", ASH_BIND(memory.max_memory), 0, kUint64Max),
    choice("maxmemory-policy", ASH_BIND(memory.policy), kPolicyNames),
    integer("maxmemory-samples", ASH_BIND(memory.samples), 1, kInt32Max),
    integer("maxmemory-eviction-tenacity", "10", 0, 100)
        .idle("keys are evicted in slices of half a millisecond until the limit is kept; clients are served between"),
    integer("lfu-log-factor", ASH_BIND(memory.lfu_log_factor), 0, kInt32Max),
    integer("lfu-decay-time", ASH_BIND(memory.lfu_decay_minutes), 0, kInt32Max),
    integer("active-expire-effort", "1", 1, 10).idle("expiry is exact: every key that is due is found"),
    yes_no("lazyfree-lazy-eviction", "no").idle(kSlowToFree),
    yes_no("lazyfree-lazy-expire", ASH_BIND(memory.lazy_expire)),
    yes_no("lazyfree-lazy-server-del", "no").idle(kSlowToFree),
    yes_no("lazyfree-lazy-user-del", "no").idle(kSlowToFree),
    yes_no("lazyfree-lazy-user-flush", ASH_BIND(memory.lazy_user_flush)),
    yes_no("activerehashing", "yes").idle("tables grow in small steps as they are written to"),
    yes_no("jemalloc-bg-thread", "yes").idle("the allocator keeps its own settings"),
    yes_no("activedefrag", "no").checked(defrag_problem).idle(kNoDefrag),
    memory("active-defrag-ignore-bytes", "104857600", 1, kInt64Max).idle(kNoDefrag),
    integer("active-defrag-threshold-lower", "10", 0, 1000).idle(kNoDefrag),
    integer("active-defrag-threshold-upper", "100", 0, 1000).idle(kNoDefrag),
    integer("active-defrag-cycle-min", "1", 1, 99).idle(kNoDefrag),
    integer("active-defrag-cycle-max", "25", 1, 99).idle(kNoDefrag),
    integer("active-defrag-cycle-us", "500", 0, 100'000).idle(kNoDefrag),
    integer("active-defrag-max-scan-fields", "1000", 1, kInt64Max).idle(kNoDefrag),
};

constexpr std::array kEncodingRows = {
    integer("hash-max-listpack-entries", ASH_BIND(encoding.hash_max_listpack_entries), 0, kInt64Max)
        .alias("hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", ASH_BIND(encoding.hash_max_listpack_value), 0, kInt64Max)
        .alias("hash-max-ziplist-value"),
    integer("set-max-intset-entries", ASH_BIND(encoding.set_max_intset_entries), 0, kInt64Max),
    integer("set-max-listpack-entries", ASH_BIND(encoding.set_max_listpack_entries), 0, kInt64Max),
    memory("set-max-listpack-value", ASH_BIND(encoding.set_max_listpack_value), 0, kInt64Max),
    integer("zset-max-listpack-entries", ASH_BIND(encoding.zset_max_listpack_entries), 0, kInt64Max)
        .alias("zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", ASH_BIND(encoding.zset_max_listpack_value), 0, kInt64Max)
        .alias("zset-max-ziplist-value"),
    integer("list-max-listpack-size", ASH_BIND(encoding.list_max_listpack_size),
            std::numeric_limits<std::int32_t>::min(), kInt32Max)
        .alias("list-max-ziplist-size"),
    integer("list-compress-depth", ASH_BIND(encoding.list_compress_depth), 0, kInt32Max),
    memory("stream-node-max-bytes", ASH_BIND(encoding.stream_node_max_bytes), 0, kInt64Max),
    integer("stream-node-max-entries", ASH_BIND(encoding.stream_node_max_entries), 0, kInt64Max),
    memory("hll-sparse-max-bytes", ASH_BIND(encoding.hll_sparse_max_bytes), 0, kInt64Max),
};

}  // namespace

std::span<const Directive> snapshot_rows() noexcept { return kSnapshotRows; }
std::span<const Directive> aof_rows() noexcept { return kAofRows; }
std::span<const Directive> memory_rows() noexcept { return kMemoryRows; }
std::span<const Directive> encoding_rows() noexcept { return kEncodingRows; }

}  // namespace ashlar::config
