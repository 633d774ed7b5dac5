#include "server/commands/debug.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "base/scheduling.h"
#include "keyspace/access_clock.h"
#include "keyspace/slot_guard.h"
#include "server/client.h"
#include "server/commands/connection.h"
#include "server/commands/debug_protocol.h"
#include "server/dataset_digest.h"
#include "server/help.h"
#include "snapshot/dump_payload.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;

namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr CommandSpec kDebug{.name = "debug",
                             .arity = command::at_least(2),
                             .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kProtected,
                             .group = Group::kServer,
                             .complexity = "Depends on subcommand.",
                             .summary = "Holds commands for tests of the server itself."};

constexpr std::string_view kNotAllowed =
    "DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local "
    "connection, otherwise you need to set this option in the configuration file, and then restart the server.";

/// Subcommands of Redis that show or change what only Redis has inside.
constexpr std::string_view kForeign[] = {"ASSERT",
                                         "AOF-FLUSH-SLEEP",
                                         "CHANGE-REPL-ID",
                                         "CLIENT-EVICTION",
                                         "CRASH-AND-RECOVER",
                                         "DICT-RESIZING",
                                         "HTSTATS",
                                         "HTSTATS-KEY",
                                         "JMAP",
                                         "LEAK",
                                         "LISTPACK",
                                         "MALLCTL",
                                         "MALLCTL-STR",
                                         "OOM",
                                         "QUICKLIST",
                                         "RESTART",
                                         "SDSLEN",
                                         "STRINGMATCH-TEST",
                                         "STRUCTSIZE",
                                         "ZIPLIST"};

keyspace::SafePoint::Participant* participant(Context& ctx) {
  Client* client = client_of(ctx.session);
  return client == nullptr ? nullptr : &client->worker().execution().participant;
}

bool allowed(const config::Config& config, Context& ctx) {
  const Client* client = client_of(ctx.session);
  const auto from = client != nullptr && client->from_loopback() ? config::Locality::kLocal : config::Locality::kRemote;
  return config::allows(config.security.debug_command, from);
}

/// As C's atoi() reads "0" and "1".
bool is_on(std::string_view word) { return parse_i64(word).value_or(0) != 0; }

/// Gives up the caller's place among the running threads while files are loaded.
class StandAside {
 public:
  explicit StandAside(keyspace::SafePoint::Participant* self)
      : self_(self != nullptr && self->inside() ? self : nullptr) {
    if (self_ != nullptr) self_->leave();
  }
  ~StandAside() {
    if (self_ != nullptr) self_->enter();
  }
  StandAside(const StandAside&) = delete;
  StandAside& operator=(const StandAside&) = delete;

 private:
  keyspace::SafePoint::Participant* self_;
};

}  // namespace

std::span<const DebugCommands::Sub> DebugCommands::subcommands() {
  static constexpr Sub kSubs[] = {
      {"CONFIG-REWRITE-FORCE-ALL", 0, 0, &DebugCommands::config_rewrite,
       "\nRewrite the configuration file with every directive in it."},
      {"CLUSTERLINK", 3, 3, &DebugCommands::cluster_link,
       "KILL <TO|FROM|ALL> <node-id>\nEnd the connections of the cluster bus to a node, or from it."},
      {"DROP-CLUSTER-PACKET-FILTER", 1, 1, &DebugCommands::drop_cluster_frames,
       "<type>\nDrop what comes over the cluster bus and has this number for a type; -1 ends that."},
      {"DIGEST", 0, 0, &DebugCommands::digest, "\nA number that tells one dataset from another."},
      {"DIGEST-VALUE", 1, kAny, &DebugCommands::digest_value, "<key> [<key> ...]\nSuch a number for each value."},
      {"ERROR", 1, 1, &DebugCommands::error, "<text>\nAnswer this error; its first word is the error's code."},
      {"HELP", 0, 0, &DebugCommands::help, {}},
      {"LOADAOF", 0, 0, &DebugCommands::load_aof, "\nEmpty the dataset and replay the append-only file."},
      {"LOG", 1, 1, &DebugCommands::log, "<text>\nWrite <text> into the log."},
      {"OBJECT", 1, 1, &DebugCommands::object, "<key>\nHow the value is kept."},
      {"PANIC", 0, 0, &DebugCommands::panic, "\nEnd the process as a failed check does."},
      {"PAUSE-CRON", 1, 1, &DebugCommands::pause_cron, "<0|1>\nHold back all periodic work."},
      {"POPULATE", 1, 3, &DebugCommands::populate,
       "<count> [<prefix>] [<size>]\nMake <count> keys, leaving those that are there as they are."},
      {"PROTOCOL", 1, 1, &DebugCommands::protocol, "<type>\nAnswer an example of a type of the protocol."},
      {"QUICKLIST-PACKED-THRESHOLD", 1, 1, &DebugCommands::quicklist_packed_threshold,
       "<size>\nChecked and taken, but elements of lists lie the same way whatever their size."},
      {"RELOAD", 0, 3, &DebugCommands::reload,
       "[MERGE] [NOFLUSH] [NOSAVE]\nSave the dataset, empty it, load it; MERGE lets loaded keys replace others."},
      {"REPLICATE", 1, kAny, &DebugCommands::replicate, "<word> [<word> ...]\nSend this command to the replicas only."},
      {"REPLYBUFFER", 2, 2, &DebugCommands::reply_buffer,
       "PEAK-RESET-TIME <NEVER|RESET|millis> | RESIZING <0|1>\nChecked and taken, but no timer shrinks reply buffers."},
      {"SEGFAULT", 0, 0, &DebugCommands::segfault, "\nEnd the process by SIGSEGV."},
      {"SET-ACTIVE-EXPIRE", 1, 1, &DebugCommands::set_active_expire,
       "<0|1>\nWhether expired keys are removed before somebody asks for them."},
      {"SET-DISABLE-DENY-SCRIPTS", 1, 1, &DebugCommands::set_disable_deny_scripts,
       "<0|1>\nWhether scripts may run the commands that are not for them."},
      {"SET-SKIP-CHECKSUM-VALIDATION", 1, 1, &DebugCommands::set_skip_checksum,
       "<0|1>\nWhether RESTORE and loading trust any checksum."},
      {"SLEEP", 1, 1, &DebugCommands::sleep, "<seconds>\nStop all loops for so long; decimals are allowed."},
      {"STRINGMATCH-LEN", 2, 2, &DebugCommands::stringmatch_len, "<pattern> <text>\nWhether the glob matches."},
  };
  return kSubs;
}

void DebugCommands::debug(Context& ctx) {
  if (!allowed(*parts_.config.get(), ctx)) return ctx.error(std::string(kNotAllowed));
  const std::string_view name = ctx.args[1];
  const std::size_t words = ctx.args.size() - 2;
  for (const Sub& sub : subcommands()) {
    if (iequals(sub.name, name) && words >= sub.least && words <= sub.most) return (this->*sub.handler)(ctx);
  }
  for (const std::string_view foreign : kForeign) {
    if (iequals(foreign, name)) {
      return ctx.error(fmt::format("DEBUG {} is about something inside Redis that this server does not have", foreign));
    }
  }
  ctx.error(
      fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.", name.substr(0, 128)));
}

void DebugCommands::help(Context& ctx) {
  std::vector<std::string> lines;
  for (const Sub& sub : subcommands()) {
    if (sub.help.empty()) continue;
    const std::size_t end = sub.help.find('\n');
    lines.push_back(fmt::format("{}{}{}", sub.name, end == 0 ? "" : " ", sub.help.substr(0, end)));
    lines.push_back(fmt::format("    {}", sub.help.substr(end + 1)));
  }
  const std::vector<std::string_view> views(lines.begin(), lines.end());
  reply_help(ctx, "DEBUG", views);
}

void DebugCommands::sleep(Context& ctx) {
  const double seconds = parse_double(ctx.args[2]).value_or(0);
  constexpr double kLongest = 3600;
  const Micros span(static_cast<std::int64_t>(std::clamp(seconds, 0.0, kLongest) * 1e6));
  // The server as a whole stands still, so the other loops wait as well. For a script they do so already.
  std::optional<keyspace::SafePoint::Exclusive> all;
  if (auto* self = participant(ctx)) all.emplace(parts_.keyspace.safe_point(), self);
  stand_still(span);
  ctx.reply.ok();
}

void DebugCommands::log(Context& ctx) {
  log::warning("DEBUG LOG: {}", ctx.args[2]);
  ctx.reply.ok();
}

void DebugCommands::config_rewrite(Context& ctx) {
  const StandAside aside(participant(ctx));  // who changes the configuration may be waiting for all batches to end
  if (const auto written = parts_.rewrite_all(); !written) return ctx.error(written.error());
  ctx.reply.ok();
}

void DebugCommands::error(Context& ctx) { ctx.reply.error_line(ctx.args[2]); }

void DebugCommands::protocol(Context& ctx) { reply_protocol_example(ctx, ctx.args[2]); }

void DebugCommands::panic(Context&) { check_failed("DEBUG PANIC", __FILE__, __LINE__); }

void DebugCommands::segfault(Context&) { ::raise(SIGSEGV); }

void DebugCommands::object(Context& ctx) {
  const command::KeyRef key = parts_.keyspace.ref(ctx.args[2]);
  const keyspace::SlotGuard guard(parts_.keyspace, key.slot);
  keyspace::AccessContext as_it_is = ctx.db.context();
  as_it_is.expiry_role = keyspace::ExpiryRole::kApply;  // also when its time has come
  const command::Entry* entry =
      command::Db(parts_.keyspace, ctx.db.index(), as_it_is).find(key, command::Access::kPeek);
  if (entry == nullptr) return ctx.error(ErrorCode::kNoSuchKey);
  constexpr std::size_t kSeal = 11;  // type code, RDB version and checksum of a DUMP payload
  const std::size_t dumped = snapshot::dump_value(*entry).size();
  ctx.reply.simple(fmt::format("Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
                               static_cast<const void*>(entry), entry->encoding_name(),
                               dumped - std::min(dumped, kSeal), entry->clock(),
                               keyspace::lru_idle(entry->clock(), ctx.now()).count()));
}

void DebugCommands::cluster_link(Context& ctx) {
  if (!parts_.config.get()->cluster.enabled)
    return ctx.error("Debug option only available for cluster mode enabled setup!");
  if (!iequals(ctx.args[2], "KILL")) return ctx.error(ErrorCode::kSyntax);
  LinkCut cut;
  if (iequals(ctx.args[3], "TO")) {
    cut.ends = cluster::LinkEnds::kTo;
  } else if (iequals(ctx.args[3], "FROM")) {
    cut.ends = cluster::LinkEnds::kFrom;
  } else if (!iequals(ctx.args[3], "ALL")) {
    return ctx.error(fmt::format("Unknown direction {}", ctx.args[3]));
  }
  const auto node = NodeId::from_hex(ctx.args[4]);
  if (!node) return ctx.error(fmt::format("Unknown node {}", ctx.args[4]));
  cut.node = *node;
  parts_.cut_links(cut);
  ctx.reply.ok();
}

void DebugCommands::drop_cluster_frames(Context& ctx) {
  const auto type = parse_i64(ctx.args[2]);
  if (!type) return ctx.error(ErrorCode::kNotInteger);
  parts_.drop_frames(*type < 0 ? std::nullopt : type);
  ctx.reply.ok();
}

void DebugCommands::digest(Context& ctx) {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), participant(ctx));
  ctx.reply.simple(dataset_digest(parts_.keyspace));
}

void DebugCommands::digest_value(Context& ctx) {
  ctx.reply.array(ctx.args.size() - 2);
  for (const std::string_view name : ctx.args.subspan(2)) {
    const command::KeyRef key = parts_.keyspace.ref(name);
    const keyspace::SlotGuard guard(parts_.keyspace, key.slot);
    DatasetDigest digest;
    if (const command::Entry* entry = ctx.db.find(key, command::Access::kPeek)) add_value(digest, *entry);
    ctx.reply.simple(digest.hex());
  }
}

void DebugCommands::populate(Context& ctx) {
  if (is_loading()) return ctx.error(ErrorCode::kLoading);
  const auto positive = [](std::string_view word) -> std::optional<std::uint64_t> {
    const auto value = parse_i64(word);
    return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
  };
  const auto count = positive(ctx.args[2]);
  const auto size = ctx.args.size() == 5 ? positive(ctx.args[4]) : std::optional<std::uint64_t>(0);
  constexpr std::uint64_t kSizeMax = 512ULL << 20;
  if (!count || !size || *size > kSizeMax) return ctx.error("value is out of range, must be positive");
  const std::string prefix(ctx.args.size() > 3 ? ctx.args[3] : "key");
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::string name = fmt::format("{}:{}", prefix, i);
    const command::KeyRef key = parts_.keyspace.ref(name);
    const keyspace::SlotGuard guard(parts_.keyspace, key.slot);
    if (ctx.db.find(key, command::Access::kWrite) != nullptr) continue;
    std::string value = fmt::format("value:{}", i);
    if (*size != 0) value.resize(*size, '\0');
    ctx.db.set(key, value, keyspace::NoExpiry{});
  }
  ctx.reply.ok();
}

void DebugCommands::set_active_expire(Context& ctx) {
  parts_.state.active_expiry = is_on(ctx.args[2]);
  ctx.reply.ok();
}

void DebugCommands::set_disable_deny_scripts(Context& ctx) {
  using In = Dispatcher::InScripts;
  dispatcher_->allow_in_scripts(is_on(ctx.args[2]) ? In::kEverything : In::kWhatIsMeantFor);
  ctx.reply.ok();
}

void DebugCommands::set_skip_checksum(Context& ctx) {
  parts_.state.trust_checksums = is_on(ctx.args[2]);
  ctx.reply.ok();
}

void DebugCommands::pause_cron(Context& ctx) {
  parts_.state.cron_paused = is_on(ctx.args[2]);
  ctx.reply.ok();
}

void DebugCommands::quicklist_packed_threshold(Context& ctx) {
  const auto size = parse_memory(ctx.args[2]);
  if (!size || *size > std::numeric_limits<std::uint32_t>::max()) {
    return ctx.error("argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  ctx.reply.ok();
}

void DebugCommands::reply_buffer(Context& ctx) {
  const bool resizing = iequals(ctx.args[2], "RESIZING");
  const bool peak = iequals(ctx.args[2], "PEAK-RESET-TIME") &&
                    (iequals(ctx.args[3], "never") || iequals(ctx.args[3], "reset") || parse_u64(ctx.args[3]));
  if (!resizing && !peak) return ctx.error(ErrorCode::kSyntax);
  ctx.reply.ok();
}

void DebugCommands::stringmatch_len(Context& ctx) { ctx.reply.integer(glob_match(ctx.args[2], ctx.args[3]) ? 1 : 0); }

void DebugCommands::replicate(Context& ctx) {
  parts_.log.record(ctx.session.db, ctx.args.subspan(2), changelog::Target::kReplicationOnly);
  ctx.reply.ok();
}

void DebugCommands::start(Dispatcher& dispatcher) {
  dispatcher_ = &dispatcher;
  run_ = dispatcher.make_execution();
}

void DebugCommands::tell_replaced() {
  const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), nullptr);
  run_->interests.flushed(std::nullopt);
  run_->changes.forget();
  parts_.attend_waiters();
}

bool DebugCommands::is_loading() const { return dispatcher_->parts().gates.closed(Gate::kLoading); }

void DebugCommands::reload(Context& ctx) {
  Persistence::Reload how;
  for (const std::string_view option : ctx.args.subspan(2)) {
    if (iequals(option, "MERGE")) {
      how.merge = true;
    } else if (iequals(option, "NOFLUSH")) {
      how.keep = true;
    } else if (iequals(option, "NOSAVE")) {
      how.save = false;
    } else {
      return ctx.error("DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  if (participant(ctx) == nullptr) return ctx.error("DEBUG RELOAD needs a connection");
  if (is_loading() || loading_.exchange(true)) return ctx.error(ErrorCode::kLoading);
  const StandAside aside(participant(ctx));
  const auto loaded = parts_.persistence.reload(how, run_->participant);
  loading_ = false;
  tell_replaced();
  if (!loaded) {
    log::warning("DEBUG RELOAD: {}", loaded.error().text());
    return ctx.error("Error trying to load the RDB dump");
  }
  log::warning("DB reloaded by DEBUG RELOAD");
  ctx.reply.ok();
}

void DebugCommands::load_aof(Context& ctx) {
  if (participant(ctx) == nullptr) return ctx.error("DEBUG LOADAOF needs a connection");
  if (is_loading() || loading_.exchange(true)) return ctx.error(ErrorCode::kLoading);
  const StandAside aside(participant(ctx));
  const auto loaded = parts_.persistence.replay_aof(*dispatcher_, *run_);
  loading_ = false;
  tell_replaced();
  if (!loaded) return ctx.error(loaded.error());
  log::warning("Append Only File loaded by DEBUG LOADAOF");
  ctx.reply.ok();
}

void DebugCommands::register_in(command::CommandTable& table) {
  table.add(kDebug, command::Handler::bind<&DebugCommands::debug>(*this));
}

}  // namespace ashlar::server
