/// Settings of the process and of what surrounds the data: network, clients, security, log, observation. The
/// initialisers are the defaults. Thread: values.
#pragma once

#include <array>
#include <cstdint>
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
  std::string bind_source;  // address that outgoing connections leave from; empty: the system picks
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
  Seconds idle_timeout{0};                            // zero: never
  std::uint64_t query_buffer_limit = 1ULL << 30;      // bytes
  std::uint64_t max_bulk_length = 512ULL << 20;       // bytes
  MemoryShare memory_limit;                           // all clients together
  std::uint64_t tracking_table_max_keys = 1'000'000;  // 0: no limit
  std::array<OutputBufferLimit, 3> output_limits = {{ // by ClientClass
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
/// What channels a new user may use.
enum class PubSubDefault : std::uint8_t { kAllChannels, kResetChannels };
struct SecurityConfig {
  std::string password;  // requirepass; empty: none
  Access debug_command = Access::kNo;
  Access protected_configs = Access::kNo;
  Access module_command = Access::kNo;
  std::vector<RenamedCommand> renamed_commands;
  std::vector<UserLine> users;
  std::string acl_file;  // absolute or relative path; empty: none
  PubSubDefault pubsub_default = PubSubDefault::kResetChannels;
  std::uint64_t acl_log_length = 128;  // entries
};

enum class Supervision : std::uint8_t { kNone, kUpstart, kSystemd, kAuto };
/// What SHUTDOWN options a signal implies; bits of ShutdownFlag, 0: as the save points say.
enum class ShutdownFlag : std::uint8_t { kSave = 1, kNoSave = 2, kNow = 4, kForce = 8 };
struct ProcessConfig {
  std::uint32_t threads = 1;  // event loops; load() sets the default from the number of processors
  Micros gather_wakeups{50};  // see net/gathering.h
  std::uint32_t databases = 16;
  bool daemonize = false;
  Supervision supervised = Supervision::kNone;
  std::string pid_file;   // empty: none, or the usual one when daemonized
  std::uint32_t hz = 10;  // 1..500 rounds of background work a second
  Seconds shutdown_timeout{10};
  Millis busy_reply_threshold{5000};  // of scripts; 0: never busy
  std::uint8_t on_sigint = 0;
  std::uint8_t on_sigterm = 0;
};

struct LogConfig {
  log::Level level = log::Level::kNotice;
  std::string file;  // empty: standard output
  bool crash_report = true;
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
  std::optional<Micros> slow_log_threshold = Micros(10'000);          // nullopt: the log is off
  std::uint64_t slow_log_length = 128;                                // entries
  std::optional<std::uint64_t> large_request_threshold = 1ULL << 20;  // bytes; nullopt: the log is off
  std::uint64_t large_request_length = 128;                           // entries
  std::optional<std::uint64_t> large_reply_threshold = 1ULL << 20;    // bytes; nullopt: the log is off
  std::uint64_t large_reply_length = 128;                             // entries
  Millis latency_threshold{0};                                        // zero: off
  bool latency_tracking = true;
  std::vector<double> latency_percentiles = {50, 99, 99.9};
  std::uint32_t events = 0;  // bits of EventClass
};

}  // namespace ashlar::config
