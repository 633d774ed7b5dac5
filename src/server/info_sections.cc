#include "server/info_sections.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "base/memory.h"
#include "keyspace/access_clock.h"
#include "keyspace/expiry_sample.h"
#include "server/latency_summary.h"
#include "server/sampler.h"
#include "server/startup.h"

namespace ashlar::server {
namespace {

void bytes(InfoWriter& out, std::string_view name, std::uint64_t value) {
  out.field(name, value);
  out.field(std::string(name) + "_human", human_bytes(value));
}

double ratio(std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b); }

std::int64_t difference(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

/// Counters of features that this server does not have, so that they cannot be anything else.
void zeros(InfoWriter& out, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) out.field(name, 0);
}

std::string os_text() {
  utsname os{};
  if (::uname(&os) != 0) return "unknown";
  return fmt::format("{} {} {}", os.sysname, os.release, os.machine);
}

std::string executable_path() {
  std::string path(4096, '\0');
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return path;
}

std::string_view supervisor_name(config::Supervision supervisor) {
  switch (supervisor) {
    case config::Supervision::kUpstart: return "upstart";
    case config::Supervision::kSystemd: return "systemd";
    case config::Supervision::kNone:
    case config::Supervision::kAuto: return "no";
  }
  return "no";
}

void server_section(const InfoParts& p, const std::string& os, InfoWriter& out) {
  const auto config = p.config.get();
  const Micros uptime = p.clock.mono() - p.state.started;
  const auto seconds = std::chrono::floor<Seconds>(uptime).count();
  out.field("redis_version", kRedisVersion);
  out.field("ashlar_version", kAshlarVersion);
  out.field("redis_git_sha1", "00000000");  // of Redis' sources, which this is not built from
  out.field("redis_git_dirty", 0);
  out.formatted("redis_build_id", "{:x}", crc64(0, kAshlarVersion));
  out.field("redis_mode", config->cluster.enabled ? "cluster" : "standalone");
  out.field("os", os);
  out.field("arch_bits", 8 * sizeof(void*));
  out.field("monotonic_clock", "POSIX clock_gettime");
  out.field("multiplexing_api", "epoll");
  out.field("atomicvar_api", "c++-atomic");
  out.formatted("gcc_version", "{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
  out.field("process_id", ::getpid());
  out.field("process_supervised", supervisor_name(supervisor(*config)));
  out.field("run_id", p.state.run_id.hex());
  out.field("tcp_port", config->network.port);
  out.field("server_time_usec", p.clock.wall().time_since_epoch().count());
  out.field("uptime_in_seconds", seconds);
  out.field("uptime_in_days", seconds / 86'400);
  out.field("hz", config->process.hz);
  out.field("configured_hz", config->process.hz);
  out.field("lru_clock", keyspace::lru_clock(p.clock.wall()));
  out.field("executable", p.state.executable);
  out.field("config_file", config->origin.config_file);
  out.field("io_threads_active", config->process.threads > 1 ? 1 : 0);
  out.field("threads", config->process.threads);
  if (const auto at = p.shutdown_at()) {
    const auto left = std::chrono::duration_cast<Millis>(*at - p.clock.mono());
    out.field("shutdown_in_milliseconds", std::max<std::int64_t>(left.count(), 0));
  }
}

void clients_section(const InfoParts& p, InfoWriter& out) {
  const auto config = p.config.get();
  out.field("connected_clients", p.acceptor.connected());
  out.field("cluster_connections", p.cluster_connections());
  out.field("maxclients", config->clients.max_clients);
  out.field("blocked_clients", p.state.blocked_clients.load(std::memory_order_relaxed));
  out.field("client_recent_max_input_buffer", p.ledger.recent_input());
  out.field("client_recent_max_output_buffer", p.ledger.recent_output());
  out.field("tracking_clients", p.tracking.clients());
  zeros(out, {"clients_in_timeout_table"});
}

/// Scripts and functions share their interpreters, so that there is one figure for both.
void script_memory(script::ScriptCommands& scripts, InfoWriter& out) {
  const script::ScriptCache::Size cached = scripts.scripts().size();
  const std::vector<script::LibraryRef> libraries = scripts.functions().all();
  std::uint64_t functions = 0;
  std::uint64_t function_bytes = 0;
  for (const script::LibraryRef& library : libraries) {
    functions += library->functions.size();
    function_bytes += library->code.size();
  }
  bytes(out, "used_memory_lua", scripts.memory_bytes());
  out.field("used_memory_scripts_eval", cached.bytes);
  out.field("number_of_cached_scripts", cached.scripts);
  out.field("number_of_functions", functions);
  out.field("number_of_libraries", libraries.size());
  bytes(out, "used_memory_vm_total", scripts.memory_bytes());
  out.field("used_memory_functions", function_bytes);
  bytes(out, "used_memory_scripts", cached.bytes + function_bytes);
}

void memory_section(const InfoParts& p, InfoWriter& out) {
  const MemoryReport report = p.memory.report();
  const std::uint64_t used = report.used;
  const std::uint64_t peak = report.peak;
  const std::uint64_t rss = report.resident;
  const AllocatorFigures& heap = report.heap;
  bytes(out, "used_memory", used);
  bytes(out, "used_memory_rss", rss);
  bytes(out, "used_memory_peak", peak);
  out.formatted("used_memory_peak_perc", "{:.2f}%", 100 * ratio(used, peak));
  out.field("used_memory_overhead", report.overhead());
  out.field("used_memory_startup", report.startup);
  out.field("used_memory_dataset", report.dataset());
  out.formatted("used_memory_dataset_perc", "{:.2f}%", report.dataset_percent());
  out.field("allocator_allocated", heap.allocated);
  out.field("allocator_active", heap.active);
  out.field("allocator_resident", heap.resident);
  bytes(out, "total_system_memory",
        static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  script_memory(p.scripts, out);
  bytes(out, "maxmemory", p.config.get()->memory.max_memory);
  const std::vector<std::string> policy_name = {"maxmemory-policy"};
  for (const config::NameValue& policy : p.settings.get(policy_name)) out.field("maxmemory_policy", policy.value);
  out.formatted("allocator_frag_ratio", "{:.2f}", ratio(heap.active, heap.allocated));
  out.field("allocator_frag_bytes", difference(heap.active, heap.allocated));
  out.formatted("allocator_rss_ratio", "{:.2f}", ratio(heap.resident, heap.active));
  out.field("allocator_rss_bytes", difference(heap.resident, heap.active));
  out.formatted("rss_overhead_ratio", "{:.2f}", ratio(rss, heap.resident));
  out.field("rss_overhead_bytes", difference(rss, heap.resident));
  out.formatted("mem_fragmentation_ratio", "{:.2f}", ratio(rss, used));
  out.field("mem_fragmentation_bytes", difference(rss, used));
  out.field("mem_not_counted_for_evict", p.guard.exempt());
  out.field("mem_replication_backlog", report.backlog);
  out.field("mem_total_replication_buffers", report.backlog + report.replicas);
  out.field("mem_clients_slaves", report.replicas);
  out.field("mem_clients_normal", report.clients);
  out.field("mem_cluster_links", report.cluster_links);
  out.field("mem_aof_buffer", report.aof_buffer);
  out.field("mem_allocator", allocator_name());
  zeros(out, {"active_defrag_running"});
  const keyspace::Reclaimer* reclaimer = p.keyspace.reclaimer();
  out.field("lazyfree_pending_objects", reclaimer == nullptr ? 0 : reclaimer->pending());
  out.field("lazyfreed_objects", reclaimer == nullptr ? 0 : reclaimer->freed() - p.state.lazy_freed_before.load());
}

/// Payloads that came with RESTORE; each is checked and rebuilt, whoever sends it.
std::uint64_t restored(const InfoParts& p) {
  std::uint64_t calls = 0;
  for (const std::string_view name : {"restore", "restore-asking"}) {
    const command::Command* command = p.table.find(name);
    if (command == nullptr) continue;
    p.stats.for_each([&](const ThreadStats& block) {
      calls += block.commands[command->index].calls.load(std::memory_order_relaxed);
    });
  }
  return calls;
}

void stats_section(const InfoParts& p, InfoWriter& out) {
  const auto rate = [](std::uint64_t bytes_per_second) { return static_cast<double>(bytes_per_second) / 1024; };
  const auto count = [&](auto member) { return p.stats.total(member); };
  const RunState& state = p.state;
  out.field("total_connections_received", p.acceptor.received());
  out.field("total_commands_processed", count(&ThreadStats::processed));
  out.field("instantaneous_ops_per_sec", state.ops_per_second.load(std::memory_order_relaxed));
  const std::uint64_t replication_input = p.replication_input();
  const std::uint64_t replication_output = p.replication_output();
  out.field("total_net_input_bytes", count(&ThreadStats::input_bytes) + replication_input);
  out.field("total_net_output_bytes", count(&ThreadStats::output_bytes) + replication_output);
  out.field("total_net_repl_input_bytes", replication_input);
  out.field("total_net_repl_output_bytes", replication_output);
  out.formatted("instantaneous_input_kbps", "{:.2f}", rate(state.input_bytes_per_second.load()));
  out.formatted("instantaneous_output_kbps", "{:.2f}", rate(state.output_bytes_per_second.load()));
  out.formatted("instantaneous_input_repl_kbps", "{:.2f}", rate(state.replication_input_per_second.load()));
  out.formatted("instantaneous_output_repl_kbps", "{:.2f}", rate(state.replication_output_per_second.load()));
  out.field("rejected_connections", p.acceptor.rejected());
  out.field("expired_keys", p.keyspace.total(&keyspace::Counters::expired));
  out.field("expired_time_cap_reached_count", count(&ThreadStats::expiry_budget_spent));
  out.field("expire_cycle_cpu_milliseconds", p.rate.micros(count(&ThreadStats::expiry_ticks)) / 1000);
  out.field("evicted_keys", p.keyspace.total(&keyspace::Counters::evicted));
  out.field("evicted_clients", count(&ThreadStats::evicted_clients));
  const MemoryGuard::Exceeded exceeded = p.guard.exceeded(p.clock.wall());
  out.field("total_eviction_exceeded_time", exceeded.total.count());
  out.field("current_eviction_exceeded_time", exceeded.now.count());
  out.field("keyspace_hits", p.keyspace.total(&keyspace::Counters::hits));
  out.field("keyspace_misses", p.keyspace.total(&keyspace::Counters::misses));
  zeros(out, {"latest_fork_usec", "total_forks", "active_defrag_hits", "active_defrag_misses", "active_defrag_key_hits",
              "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time"});
  out.field("dump_payload_sanitizations", restored(p));
  using Reason = command::Denial::Reason;
  out.field("acl_access_denied_auth", p.denials.total(Reason::kAuth));
  out.field("acl_access_denied_cmd", p.denials.total(Reason::kCommand));
  out.field("acl_access_denied_key", p.denials.total(Reason::kKey));
  out.field("acl_access_denied_channel", p.denials.total(Reason::kChannel));
  out.field("pubsub_channels", p.hub.count(pubsub::Kind::kChannel));
  out.field("pubsub_patterns", p.hub.count(pubsub::Kind::kPattern));
  out.field("pubsubshard_channels", p.hub.count(pubsub::Kind::kShardChannel));
  out.field("tracking_total_keys", p.tracking.keys());
  out.field("tracking_total_items", p.tracking.items());
  out.field("tracking_total_prefixes", p.tracking.prefixes());
  out.field("total_error_replies", count(&ThreadStats::errors));
  out.field("total_reads_processed", count(&ThreadStats::reads));
  out.field("total_writes_processed", count(&ThreadStats::writes));
  zeros(out, {"io_threaded_reads_processed", "io_threaded_writes_processed"});
}

void cpu_section(InfoWriter& out) {
  rusage own{};
  rusage children{};
  ::getrusage(RUSAGE_SELF, &own);
  ::getrusage(RUSAGE_CHILDREN, &children);
  const auto put = [&](std::string_view name, const timeval& time) {
    out.formatted(name, "{}.{:06}", time.tv_sec, time.tv_usec);
  };
  put("used_cpu_sys", own.ru_stime);
  put("used_cpu_user", own.ru_utime);
  put("used_cpu_sys_children", children.ru_stime);
  put("used_cpu_user_children", children.ru_utime);
}

void commandstats_section(const InfoParts& p, InfoWriter& out) {
  for (const auto& command : p.table.all()) {
    const CommandTotals t = command_totals(p.stats, command->index);
    if (t.calls + t.rejected + t.failed == 0) continue;
    const std::uint64_t micros = p.rate.micros(t.ticks);
    out.formatted(fmt::format("cmdstat_{}", command->spec.name),
                  "calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}", t.calls, micros,
                  ratio(micros, t.calls), t.rejected, t.failed);
  }
}

void errorstats_section(const InfoParts& p, InfoWriter& out) {
  std::map<std::string, std::uint64_t> sums;
  p.stats.for_each([&](ThreadStats& block) {
    MutexLock lock(block.mutex);
    for (const auto& [prefix, n] : block.errors_by_prefix) sums[prefix] += n;
  });
  for (const auto& [prefix, n] : sums) out.formatted("errorstat_" + prefix, "count={}", n);
}

void latencystats_section(const InfoParts& p, InfoWriter& out) {
  const auto config = p.config.get();
  if (!config->monitor.latency_tracking) return;
  for (const auto& command : p.table.all()) {
    const CommandTotals t = command_totals(p.stats, command->index);
    if (t.calls == 0) continue;
    std::string text;
    for (const double percent : config->monitor.latency_percentiles) {
      const double micros = static_cast<double>(p.rate.micros(t.percentile(percent) * 1000)) / 1000;
      text += fmt::format("{}p{}={:.3f}", text.empty() ? "" : ",", format_double(percent), micros);
    }
    out.field(fmt::format("latency_percentiles_usec_{}", command->spec.name), text);
  }
}

void keyspace_section(const InfoParts& p, InfoWriter& out) {
  std::uint32_t db = 0;
  for (const keyspace::Keyspace::Size& size : p.keyspace.sizes()) {
    if (size.keys > 0) {
      const Millis ttl = size.expires == 0 ? Millis(0) : keyspace::average_ttl(p.keyspace, DbIndex{db}, p.clock.wall());
      out.formatted(fmt::format("db{}", db), "keys={},expires={},avg_ttl={}", size.keys, size.expires, ttl.count());
    }
    ++db;
  }
}

}  // namespace

void register_info_sections(Info& info, const InfoParts& parts) {
  using Shown = Info::Shown;
  parts.state.executable = executable_path();
  const auto others = [](InfoWriter&) {};
  info.add("Server", Shown::kByDefault, [parts, os = os_text()](InfoWriter& out) { server_section(parts, os, out); });
  info.add("Clients", Shown::kByDefault, [parts](InfoWriter& out) { clients_section(parts, out); });
  info.add("Memory", Shown::kByDefault, [parts](InfoWriter& out) { memory_section(parts, out); });
  info.add("Persistence", Shown::kByDefault, others);
  info.add("Stats", Shown::kByDefault, [parts](InfoWriter& out) { stats_section(parts, out); });
  info.add("Replication", Shown::kByDefault, others);
  info.add("CPU", Shown::kByDefault, &cpu_section);
  info.add("Modules", Shown::kByDefault, others);
  info.add("Commandstats", Shown::kOnRequest, [parts](InfoWriter& out) { commandstats_section(parts, out); });
  info.add("Errorstats", Shown::kByDefault, [parts](InfoWriter& out) { errorstats_section(parts, out); });
  info.add("Latencystats", Shown::kOnRequest, [parts](InfoWriter& out) { latencystats_section(parts, out); });
  info.add("Cluster", Shown::kByDefault,
           [parts](InfoWriter& out) { out.field("cluster_enabled", parts.config.get()->cluster.enabled ? 1 : 0); });
  info.add("Keyspace", Shown::kByDefault, [parts](InfoWriter& out) { keyspace_section(parts, out); });
}

}  // namespace ashlar::server
