#include "server/dispatcher.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "keyspace/slot_guard.h"
#include "server/worker.h"

namespace ashlar::server {

using command::Command;
using command::Flag;
using command::Origin;
using keyspace::KeyRef;

namespace {

/// The argument of a command's single key at a fixed place, or 0: the path that nearly all traffic takes.
std::uint16_t only_key(const command::CommandSpec& spec) {
  const command::KeySpec& first = spec.keys[0];
  const bool single = first.begin == command::KeySpec::Begin::kIndex && first.find == command::KeySpec::Find::kRange &&
                      first.last == 0 && spec.keys[1].begin == command::KeySpec::Begin::kNone &&
                      spec.extractor == nullptr;
  return single ? static_cast<std::uint16_t>(first.index) : 0;
}

/// What a connection may not do that listens or watches.
std::optional<Error> confined(const Command& command, const command::Session& session, resp::Version version) {
  if (session.subscribed && version == resp::Version::kResp2 && !command.spec.is(Flag::kSubscribed)) {
    return Error{ErrorCode::kGeneric,
                 fmt::format("Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                             "allowed in this context",
                             command.spec.name)};
  }
  if (session.monitoring && command.spec.is(Flag::kWrite | Flag::kReadOnly | Flag::kMayReplicate)) {
    return Error{ErrorCode::kGeneric, "Replica can't interact with the keyspace"};
  }
  return std::nullopt;
}

}  // namespace

Error unknown_command(const command::CommandTable& table, std::span<const std::string_view> args) {
  constexpr std::size_t kShown = 128;
  const Command* container = table.find(args[0]);
  if (container != nullptr && container->spec.is(Flag::kHasSubcommands) && args.size() > 1) {
    std::string upper(container->spec.name);
    for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return {ErrorCode::kGeneric,
            fmt::format("unknown subcommand '{}'. Try {} HELP.", args[1].substr(0, kShown), upper)};
  }
  std::string shown;
  for (const std::string_view arg : args.subspan(1)) {
    if (shown.size() >= kShown) break;
    shown += fmt::format("'{}' ", arg.substr(0, kShown - shown.size()));
  }
  return {ErrorCode::kGeneric,
          fmt::format("unknown command '{}', with args beginning with: {}", args[0].substr(0, kShown), shown)};
}

Dispatcher::Dispatcher(const Parts& parts) : parts_(parts) {
  for (const auto& command : parts_.table.all()) {
    gates_of_.push_back(server::gates_of(command->spec));
    only_key_.push_back(only_key(command->spec));
  }
}

std::unique_ptr<Execution> Dispatcher::make_execution() {
  return std::make_unique<Execution>(parts_.keyspace.safe_point().join(), parts_.keyspace.add_counters(),
                                     parts_.stats.add(parts_.table.all().size()), random_seed());
}

void Dispatcher::set_slow_threshold(std::optional<Micros> threshold) noexcept {
  slow_threshold_.store(threshold ? parts_.rate.ticks(*threshold) : ~Ticks{0}, std::memory_order_relaxed);
}

void Dispatcher::begin_batch(Execution& run, WallTime now, Origin origin) const {
  using keyspace::ExpiryRole;
  run.keys.clear();
  run.access.now = now;
  run.access.counters = &run.counters;
  run.access.rng = &run.rng;
  run.access.removals = &parts_.log;
  run.access.modifications = &parts_.modifications;
  run.access.actor = {};
  run.access.events = origin == Origin::kLoader ? nullptr : parts_.notifications.listener();
  if (origin != Origin::kClient) {
    run.access.expiry_role = ExpiryRole::kApply;
  } else {
    // A replica with writable data still leaves expiry to its primary; being a replica is what the gate tells.
    run.access.expiry_role = parts_.gates.closed(Gate::kReplica) ? ExpiryRole::kReplica : ExpiryRole::kPrimary;
  }
}

const Command* Dispatcher::resolve(std::span<const std::string_view> args) const {
  const Command* command = parts_.table.find(args[0]);
  if (command == nullptr || !command->spec.is(Flag::kHasSubcommands) || args.size() < 2) return command;
  return command::CommandTable::find_sub(*command, args[1]);
}

Located Dispatcher::look_up(Execution& run, std::span<const std::string_view> args) const {
  Located found{resolve(args), static_cast<std::uint32_t>(run.keys.size()), 0};
  if (found.command == nullptr || !found.command->spec.has_keys()) return found;
  if (const std::uint16_t at = only_key_[found.command->index]; at != 0) [[likely]] {
    if (args.size() > at) {
      run.keys.push_back(parts_.keyspace.ref(args[at]));
      found.key_count = 1;
    }
    return found;
  }
  command::find_keys(found.command->spec, args, run.positions, command::NamesWithSlots::kKeysAndShardChannels);
  for (const command::KeyPosition& position : run.positions) {
    run.keys.push_back(parts_.keyspace.ref(args[position.argument]));
  }
  found.key_count = static_cast<std::uint32_t>(run.positions.size());
  return found;
}

void Dispatcher::prefetch(Execution& run, DbIndex db) const {
  // Three passes over the keys of the batch, so that their cache misses overlap: slot, words, entry. The table is read
  // under the slot's lock, which costs about 8 ns a pass and saves 60 ns a miss.
  keyspace::Keyspace& ks = parts_.keyspace;
  for (const KeyRef& key : run.keys) __builtin_prefetch(&ks.slot(key.slot));
  const auto pass = [&](auto&& step) {
    for (const KeyRef& key : run.keys) {
      keyspace::Slot& slot = ks.slot(key.slot);
      if (!slot.lock.try_lock()) continue;
      if (const keyspace::SlotDb* d = slot.find(db.value)) step(d->table, key.hash);
      slot.lock.unlock();
    }
  };
  pass([](const keyspace::EntryTable& table, std::uint64_t hash) { table.prefetch_segment(hash); });
  pass([](const keyspace::EntryTable& table, std::uint64_t hash) { table.prefetch_word(hash); });
  pass([](const keyspace::EntryTable& table, std::uint64_t hash) { table.prefetch_record(hash); });
}

std::optional<Error> Dispatcher::refuse(const Command& command, std::uint32_t closed,
                                        const command::Session& session) const {
  const auto is = [&](Gate gate) { return (closed & static_cast<std::uint32_t>(gate)) != 0; };
  if (session.origin() != Origin::kClient) return std::nullopt;
  if (is(Gate::kLoading)) return Error{ErrorCode::kLoading, {}};
  if (is(Gate::kMisconf) && command.spec.is(Flag::kWrite)) return parts_.texts.misconf();
  if (is(Gate::kFewReplicas)) return Error{ErrorCode::kNoReplicas, {}};
  // In a cluster the router sends writes on to the primary; a replica never serves them itself.
  const bool routed = router_ != nullptr && command.spec.has_keys();
  if (is(Gate::kReadOnlyReplica) && !routed) return Error{ErrorCode::kReadOnly, {}};
  if (is(Gate::kStale)) return Error{ErrorCode::kMasterDown, {}};
  return std::nullopt;
}

Outcome Dispatcher::run(Execution& run, const Located& located, std::span<const std::string_view> args,
                        command::Session& session, resp::Encoder& reply) {
  const Command* command = located.command;
  if (command == nullptr) [[unlikely]] {
    reject(run, nullptr, unknown_command(parts_.table, args), session, reply);
    return Outcome::kDone;
  }
  if (!command->spec.arity.accepts(args.size()) || command->spec.is(Flag::kContainer)) [[unlikely]] {
    reject(run, command,
           {ErrorCode::kGeneric, fmt::format("wrong number of arguments for '{}' command", command->spec.name)},
           session, reply);
    return Outcome::kDone;
  }
  if (!session.authenticated && !command->spec.is(Flag::kNoAuth)) [[unlikely]] {
    reject(run, command, {ErrorCode::kNoAuth, {}}, session, reply);
    return Outcome::kDone;
  }
  if (session.subscribed || session.monitoring) [[unlikely]] {
    if (const auto error = confined(*command, session, reply.version())) {
      reject(run, command, *error, session, reply);
      return Outcome::kDone;
    }
  }
  const std::uint32_t closed = parts_.gates.bits() & gates_of_[command->index];
  if (closed != 0) [[unlikely]] {
    constexpr auto kPauses =
        static_cast<std::uint32_t>(Gate::kAllPaused) | static_cast<std::uint32_t>(Gate::kWritesPaused);
    if (session.origin() == Origin::kClient && (closed & kPauses) != 0) return Outcome::kPostponed;
    if (const auto error = refuse(*command, closed, session)) {
      reject(run, command, *error, session, reply);
      return Outcome::kDone;
    }
  }
  if (run.out_of_memory && command->spec.is(Flag::kDenyOom) && session.origin() == Origin::kClient) [[unlikely]] {
    reject(run, command, {ErrorCode::kOom, {}}, session, reply);
    return Outcome::kDone;
  }
  return call(run, *command, std::span<const KeyRef>(run.keys).subspan(located.first_key, located.key_count), args,
              session, reply);
}

void Dispatcher::reject(Execution& run, const Command* command, const Error& error, command::Session&,
                        resp::Encoder& reply) {
  const std::size_t before = reply.output().size();
  reply.error(error);
  if (command != nullptr) bump(run.stats.commands[command->index].rejected);
  count_error(run, reply.output().view().substr(before));
}

void Dispatcher::count_error(Execution& run, std::string_view reply_line) {
  bump(run.stats.errors);
  const std::size_t end = reply_line.find_first_of(" \r\n");
  MutexLock lock(run.stats.mutex);
  auto& errors = run.stats.errors_by_prefix;
  constexpr std::size_t kMaxPrefixes = 128;  // scripts may make up prefixes without end
  std::string prefix(reply_line.substr(1, end == std::string_view::npos ? end : end - 1));
  if (errors.size() < kMaxPrefixes || errors.contains(prefix)) ++errors[prefix];
}

Outcome Dispatcher::call(Execution& run, const Command& command, std::span<const KeyRef> keys,
                         std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply) {
  const std::size_t before = reply.output().size();
  const Ticks start = ticks_now();
  if (invoke(run, command, keys, args, session, reply) == Outcome::kPostponed) return Outcome::kPostponed;
  const Ticks spent = ticks_now() - start;

  CommandCounters& counters = run.stats.commands[command.index];
  bump(counters.calls);
  bump(counters.ticks, spent);
  run.stats.count_latency(counters, spent);
  bump(run.stats.processed);
  const std::string_view written = reply.output().view();
  if (written.size() > before && written[before] == '-') [[unlikely]] {
    bump(counters.failed);
    count_error(run, written.substr(before));
  }
  if (spent >= slow_threshold_.load(std::memory_order_relaxed) && !command.spec.is(Flag::kSkipSlowlog)) [[unlikely]] {
    parts_.slow_log.add(args, run.access.now, parts_.rate.micros(spent), address_of_ ? address_of_(session) : "",
                        session.name);
  }
  if (parts_.monitors.any()) [[unlikely]]
    show_to_monitors(run, command, args, session);
  return Outcome::kDone;
}

void Dispatcher::show_to_monitors(const Execution& run, const Command& command, std::span<const std::string_view> args,
                                  const command::Session& session) const {
  if (command.spec.is(Flag::kSkipMonitor | Flag::kAdmin) || session.origin() == Origin::kLoader) return;
  std::vector<std::string_view> shown(args.begin(), args.end());
  if (command.spec.secrets != nullptr) {
    for (std::size_t i = 1; i < shown.size(); ++i) {
      if (command.spec.secrets(args, i)) shown[i] = "(redacted)";
    }
  }
  parts_.monitors.feed(run.access.now, session.db, address_of_ ? address_of_(session) : "", shown);
}

Outcome Dispatcher::invoke(Execution& run, const Command& command, std::span<const KeyRef> keys,
                           std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply) {
  run.effects.finish();
  run.access.actor = session.id;
  const DbIndex db_index = session.db;  // SELECT changes it while the effect belongs to the old one
  keyspace::Db db(parts_.keyspace, db_index, run.access);
  command::Context context(command.spec, args, keys, db, reply, session, run.effects);
  if (!keys.empty()) [[likely]] {
    const keyspace::SlotGuard guard(parts_.keyspace, keys);
    if (router_ != nullptr && session.origin() == Origin::kClient) {
      const command::Route route = router_->route(command.spec, keys, session, db);
      if (const auto* refusal = std::get_if<command::Refuse>(&route)) {
        reply.error(refusal->error);
        return Outcome::kDone;
      }
      if (std::holds_alternative<command::Wait>(route)) return Outcome::kPostponed;
    }
    command.handler(context);
    if (session.tracks_keys) [[unlikely]]
      remember_reads(command, keys, session);
    if (run.effects.changes() > 0 || run.effects.records_as_received() || !run.effects.records().empty()) {
      record(run, command, args, db_index, session);
    }
    return Outcome::kDone;
  }
  if (command.spec.is(Flag::kWholeKeyspace)) {
    const keyspace::SafePoint::Exclusive all(parts_.keyspace.safe_point(), &run.participant);
    command.handler(context);
    record(run, command, args, db_index, session);
    return Outcome::kDone;
  }
  command.handler(context);
  record(run, command, args, db_index, session);
  return Outcome::kDone;
}

void Dispatcher::remember_reads(const Command& command, std::span<const KeyRef> keys, command::Session& session) const {
  if (!command.spec.is(Flag::kReadOnly) || command.spec.is(Flag::kPubSub)) return;
  auto* client = dynamic_cast<Client*>(&session);
  if (client == nullptr || !client->tracking()->remembers()) return;
  parts_.tracking.remember(keys, client->id, client->worker().inbox());
}

void Dispatcher::record(Execution& run, const Command& command, std::span<const std::string_view> args, DbIndex db,
                        command::Session& session) {
  command::Effects& effects = run.effects;
  if (effects.changes() > 0) keyspace::Counters::bump(run.counters.changes, effects.changes());
  if (!command.spec.is(Flag::kWrite | Flag::kMayReplicate) && !effects.records_as_received()) return;
  if (!parts_.log.active() || session.origin() == Origin::kLoader) return;
  auto target = session.origin() == Origin::kPrimary ? changelog::Target::kAofOnly : changelog::Target::kAll;
  if (effects.for_replicas_only()) {
    if (session.origin() == Origin::kPrimary) return;  // its own bytes go on to our replicas as they are
    target = changelog::Target::kReplicationOnly;
  }
  if (effects.records_as_received()) {
    parts_.log.record(db, args, target);
  } else if (!effects.records().empty()) {
    parts_.log.record_group(db, effects.records(), target);
  } else {
    return;
  }
  run.wrote = true;
  session.last_write = ReplOffset{static_cast<std::int64_t>(parts_.log.replication_bytes())};
}

}  // namespace ashlar::server
