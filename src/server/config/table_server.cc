/// Directives of the process, its log, the network, clients, security and observation.
#include "base/bytes.h"
#include "server/config/rows.h"

namespace ashlar::config {
namespace {

constexpr std::string_view kNoModules = "there are no modules";
constexpr std::string_view kNoSyslog = "the log goes to `logfile` or standard output";
constexpr std::string_view kNoPinning = "the system places the threads";
constexpr std::string_view kOwnLoops = "every event loop reads, executes and writes by itself; see `threads`";
constexpr std::string_view kNoRdma = "there is no RDMA transport";
constexpr std::string_view kTestAid = "a testing aid of Redis";

constexpr std::array<ChoiceName, 4> kSupervisionNames = {{{"upstart", number(Supervision::kUpstart)},
                                                          {"systemd", number(Supervision::kSystemd)},
                                                          {"auto", number(Supervision::kAuto)},
                                                          {"no", number(Supervision::kNone)}}};
constexpr std::array<ChoiceName, 5> kLevelNames = {{{"debug", number(log::Level::kDebug)},
                                                    {"verbose", number(log::Level::kVerbose)},
                                                    {"notice", number(log::Level::kNotice)},
                                                    {"warning", number(log::Level::kWarning)},
                                                    {"nothing", number(log::Level::kNothing)}}};
constexpr std::array<ChoiceName, 9> kFacilityNames = {{{"user", 0},
                                                       {"local0", 1},
                                                       {"local1", 2},
                                                       {"local2", 3},
                                                       {"local3", 4},
                                                       {"local4", 5},
                                                       {"local5", 6},
                                                       {"local6", 7},
                                                       {"local7", 8}}};
constexpr std::array<ChoiceName, 4> kOomNames = {{{"no", 0}, {"yes", 1}, {"relative", 1}, {"absolute", 2}}};
constexpr std::array<ChoiceName, 2> kLogFormatNames = {{{"legacy", 0}, {"logfmt", 1}}};
constexpr std::array<ChoiceName, 3> kTimestampNames = {{{"legacy", 0}, {"iso8601", 1}, {"milliseconds", 2}}};
constexpr std::array<ChoiceName, 2> kPubSubNames = {
    {{"allchannels", number(PubSubDefault::kAllChannels)}, {"resetchannels", number(PubSubDefault::kResetChannels)}}};

/// A title of literal text and known {variables}; "{{" is a brace.
std::string_view title_problem(const Value& value) {
  constexpr std::string_view kBad = "template format is invalid or contains unknown variables";
  constexpr std::array<std::string_view, 7> kVariables = {"title",    "listen-addr", "server-mode", "port",
                                                          "tls-port", "unixsocket",  "config-file"};
  std::string_view rest = std::get<std::string>(value);
  if (rest.empty()) return kBad;
  for (auto open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    rest.remove_prefix(open + 1);
    if (rest.starts_with('{')) {
      rest.remove_prefix(1);
      continue;
    }
    const auto close = rest.find('}');
    if (close == std::string_view::npos) return kBad;
    bool known = false;
    for (const std::string_view variable : kVariables) known |= rest.substr(0, close) == variable;
    if (!known) return kBad;
    rest.remove_prefix(close + 1);
  }
  return {};
}

constexpr std::array kProcessRows = {
    integer("threads", ASH_BIND(process.threads), 1, 64).immutable().ours("event loops"),
    integer("gather-wakeups", ASH_BIND(process.gather_wakeups), 0, 1'000)
        .ours("microseconds that a loop with many busy clients lets requests gather; 0: none"),
    integer("databases", ASH_BIND(process.databases), 1, kInt32Max).immutable(),
    yes_no("daemonize", ASH_BIND(process.daemonize)).immutable(),
    choice("supervised", ASH_BIND(process.supervised), kSupervisionNames).immutable(),
    text("pidfile", ASH_BIND(process.pid_file)).immutable(),
    integer("hz", ASH_BIND(process.hz), 0, kInt32Max),
    integer("shutdown-timeout", ASH_BIND(process.shutdown_timeout), 0, kInt32Max),
    special("shutdown-on-sigint", kShutdownOnSigintRules),
    special("shutdown-on-sigterm", kShutdownOnSigtermRules),
    choice("loglevel", ASH_BIND(log.level), kLevelNames),
    text("logfile", ASH_BIND(log.file)).immutable().may_be_empty(),
    yes_no("dynamic-hz", "yes").idle("the pace of background work already follows the load"),
    yes_no("always-show-logo", "no").immutable().idle("there is no logo"),
    yes_no("set-proc-title", "yes").immutable().idle("the process keeps its command line"),
    text("proc-title-template", "{title} {listen-addr} {server-mode}")
        .may_be_empty()
        .checked(title_problem)
        .idle("the process keeps its command line"),
    text("locale-collate", "").may_be_empty().idle("strings compare by bytes"),
    yes_no("crash-log-enabled", ASH_BIND(log.crash_report)),
    yes_no("crash-memcheck-enabled", "yes").idle("memory is not tested after a crash"),
    text("ignore-warnings", "").may_be_empty().idle("there are no start-up warnings to leave out"),
    yes_no("disable-thp", "yes").immutable().idle("no fork copies pages, so huge pages do no harm"),
    choice("oom-score-adj", "no", kOomNames),
    special("oom-score-adj-values", kOomScoreRules),
    text("server_cpulist", "").alias("server-cpulist").immutable().idle(kNoPinning),
    text("bio_cpulist", "").alias("bio-cpulist").immutable().idle(kNoPinning),
    text("aof_rewrite_cpulist", "").alias("aof-rewrite-cpulist").immutable().idle(kNoPinning),
    text("bgsave_cpulist", "").alias("bgsave-cpulist").immutable().idle(kNoPinning),
    integer("io-threads", "1", 1, 128).immutable().idle(kOwnLoops),
    yes_no("io-threads-do-reads", "no").immutable().idle(kOwnLoops),
    integer("prefetch-batch-max-size", "16", 0, 128).idle("the prefetch follows the size of the tables"),
    yes_no("syslog-enabled", "no").immutable().idle(kNoSyslog),
    text("syslog-ident", "redis").immutable().may_be_empty().idle(kNoSyslog),
    choice("syslog-facility", "local0", kFacilityNames).immutable().idle(kNoSyslog),
    choice("log-format", "legacy", kLogFormatNames).idle("log lines have the shape that Redis gives them"),
    choice("log-timestamp-format", "legacy", kTimestampNames).idle("log lines have the shape that Redis gives them"),
    yes_no("hide-user-data-from-log", "yes").idle("the log never holds keys or values"),
    yes_no("extended-redis-compatibility", "no").idle("names and versions are already those that Redis clients expect"),
    text("availability-zone", "").may_be_empty().idle("no client is told of zones yet"),
    yes_no("use-exit-on-panic", "no").hidden().idle(kTestAid),
    integer("watchdog-period", "0", 0, kInt32Max).hidden().idle(kTestAid),
};

constexpr std::array kNetworkRows = {
    integer("port", ASH_BIND(network.port), 0, kPortMax),
    special("bind", kBindRules),
    yes_no("protected-mode", ASH_BIND(network.protected_mode)),
    integer("tcp-backlog", ASH_BIND(network.tcp_backlog), 0, kInt32Max).immutable(),
    integer("tcp-keepalive", ASH_BIND(network.tcp_keepalive), 0, kInt32Max),
    text("unixsocket", ASH_BIND(network.unix_socket)).immutable(),
    octal("unixsocketperm", ASH_BIND(network.unix_socket_mode), 0, 0777).immutable(),
    text("unixsocketgroup", ASH_BIND(network.unix_socket_group)).immutable(),
    text("bind-source-addr", ASH_BIND(network.bind_source)),
    integer("socket-mark-id", "0", 0, kUint32Max).immutable().idle("sockets are not marked"),
    integer("max-new-connections-per-cycle", "10", 1, 1000).idle("a loop accepts a bounded batch by itself"),
    integer("max-new-tls-connections-per-cycle", "1", 1, 1000).idle("a loop accepts a bounded batch by itself"),
    integer("rdma-port", "0", 0, kPortMax).idle(kNoRdma),
    text("rdma-bind", "").idle(kNoRdma),
    integer("rdma-rx-size", "1048576", 65536, 16ULL << 20).immutable().idle(kNoRdma),
    integer("rdma-completion-vector", "-1", -1, 1024).immutable().idle(kNoRdma),
};

constexpr std::array kClientRows = {
    integer("maxclients", ASH_BIND(clients.max_clients), 1, kUint32Max),
    integer("timeout", ASH_BIND(clients.idle_timeout), 0, kInt32Max),
    memory("client-query-buffer-limit", ASH_BIND(clients.query_buffer_limit), 1 << 20, kInt64Max),
    memory("proto-max-bulk-len", ASH_BIND(clients.max_bulk_length), 1 << 20, kInt64Max),
    special("client-output-buffer-limit", kOutputLimitRules),
    special("maxmemory-clients", kMemoryShareRules),
    integer("tracking-table-max-keys", ASH_BIND(clients.tracking_table_max_keys), 0, kInt64Max),
    integer("busy-reply-threshold", ASH_BIND(process.busy_reply_threshold), 0, kInt64Max).alias("lua-time-limit"),
};

constexpr std::array kSecurityRows = {
    text("requirepass", ASH_BIND(security.password)).sensitive(),
    choice("enable-debug-command", ASH_BIND(security.debug_command), kAccessNames).immutable(),
    choice("enable-protected-configs", ASH_BIND(security.protected_configs), kAccessNames).immutable(),
    choice("enable-module-command", ASH_BIND(security.module_command), kAccessNames).immutable().idle(kNoModules),
    text("aclfile", ASH_BIND(security.acl_file)).immutable().may_be_empty(),
    choice("acl-pubsub-default", ASH_BIND(security.pubsub_default), kPubSubNames),
    integer("acllog-max-len", ASH_BIND(security.acl_log_length), 0, kInt64Max),
};

constexpr std::array kMonitorRows = {
    integer("slowlog-log-slower-than", ASH_BIND(monitor.slow_log_threshold), -1, kInt64Max)
        .alias("commandlog-execution-slower-than"),
    integer("slowlog-max-len", ASH_BIND(monitor.slow_log_length), 0, kInt64Max)
        .alias("commandlog-slow-execution-max-len"),
    integer("latency-monitor-threshold", ASH_BIND(monitor.latency_threshold), 0, kLongestMillis),
    yes_no("latency-tracking", ASH_BIND(monitor.latency_tracking)),
    special("latency-tracking-info-percentiles", kPercentilesRules),
    special("notify-keyspace-events", kEventsRules),
    integer("commandlog-request-larger-than", ASH_BIND(monitor.large_request_threshold), -1, kInt64Max),
    integer("commandlog-large-request-max-len", ASH_BIND(monitor.large_request_length), 0, kInt64Max),
    integer("commandlog-reply-larger-than", ASH_BIND(monitor.large_reply_threshold), -1, kInt64Max),
    integer("commandlog-large-reply-max-len", ASH_BIND(monitor.large_reply_length), 0, kInt64Max),
};

}  // namespace

std::span<const Directive> process_rows() noexcept { return kProcessRows; }
std::span<const Directive> network_rows() noexcept { return kNetworkRows; }
std::span<const Directive> client_rows() noexcept { return kClientRows; }
std::span<const Directive> security_rows() noexcept { return kSecurityRows; }
std::span<const Directive> monitor_rows() noexcept { return kMonitorRows; }

}  // namespace ashlar::config
