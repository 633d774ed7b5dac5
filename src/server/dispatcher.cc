#include "server/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "base/prefetch.h"
#include "command/reach.h"
#include "keyspace/slot_guard.h"
#include "server/inner.h"
#include "server/slot_costs.h"
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

Dispatcher::Dispatcher(const Parts& parts) : parts_(parts), long_(parts.rate.ticks(Millis(1))) {
  for (const auto& command : parts_.table.all()) {
    gates_of_.push_back(server::gates_of(command->spec));
    only_key_.push_back(only_key(command->spec));
  }
}

std::unique_ptr<Execution> Dispatcher::make_execution() {
  auto run = std::make_unique<Execution>(parts_.keyspace.safe_point().join(), parts_.keyspace.add_counters(),
                                         parts_.stats.add(parts_.table.all().size()), parts_.keyspace, parts_.tracking,
                                         parts_.log, random_seed());
  run->inner = std::make_unique<Inner>(*this, *run);
  run->interests.set_next(&run->changes);
  run->access.modifications = &run->interests;
  return run;
}

void Dispatcher::observe(const config::MonitorConfig& config) noexcept {
  const auto bytes = [](const std::optional<std::uint64_t>& threshold) { return threshold.value_or(kNever); };
  Ticks ticks = config.slow_log_threshold ? parts_.rate.ticks(*config.slow_log_threshold) : kNever;
  if (config.latency_threshold > Millis(0)) ticks = std::min(ticks, parts_.rate.ticks(config.latency_threshold));
  slow_micros_ = config.slow_log_threshold ? static_cast<std::uint64_t>(config.slow_log_threshold->count()) : kNever;
  noteworthy_ticks_ = ticks;
  noteworthy_request_ = bytes(config.large_request_threshold);
  noteworthy_reply_ = bytes(config.large_reply_threshold);
}

void Dispatcher::begin_batch(Execution& run, WallTime now, Origin origin) const {
  run.keys.clear();
  run.access.now = run.batch_time = now;
  run.batch_ticks = ticks_now();
  run.access.counters = &run.counters;
  run.access.rng = &run.rng;
  run.access.removals = &run.removals;
  run.access.actor = {};
  run.access.events = origin == Origin::kLoader ? nullptr : parts_.notifications.listener();
  run.access.expiry_role = origin == Origin::kClient ? role() : keyspace::ExpiryRole::kApply;
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

void Dispatcher::prefetch(Execution& run, DbIndex db, Touches touches) const {
  // Passes over the keys of the batch, so that their cache misses overlap: slot, words, entry, value. The table is read
  // under the slot's lock, which costs about 8 ns a pass and saves 60 ns a miss. Between two loops a slot's line
  // travels once, not first to be read and then to be locked: two threads then do what two do that share nothing, and
  // not 0.8 of it.
  keyspace::Keyspace& ks = parts_.keyspace;
  for (const KeyRef& key : run.keys) prefetch_to_write(&ks.slot(key.slot));
  const auto pass = [&](auto&& step) {
    for (const KeyRef& key : run.keys) {
      keyspace::Slot& slot = ks.slot(key.slot);
      if (!slot.lock.try_lock()) continue;
      if (const keyspace::SlotDb* d = slot.find(db.value)) step(d->table, key.hash);
      slot.lock.unlock();
    }
  };
  using Table = keyspace::EntryTable;
  bool words = false;
  pass([&](const Table& table, std::uint64_t hash) {
    words |= table.prefetch_segment(hash) == Table::Stage::kNeedsWord;
  });
  if (words) pass([](const Table& table, std::uint64_t hash) { table.prefetch_word(hash); });
  pass([](const Table& table, std::uint64_t hash) { table.prefetch_record(hash); });
  if (touches == Touches::kStrings) return;
  pass([](const Table& table, std::uint64_t hash) {
    if (const keyspace::Entry* entry = table.probable(hash)) entry->prefetch_value();
  });
  pass([](const Table& table, std::uint64_t hash) {
    if (const keyspace::Entry* entry = table.probable(hash)) entry->prefetch_content();
  });
}

std::optional<Error> Dispatcher::refuse(Flag flags, std::uint32_t closed, const command::CommandSpec& spec) const {
  const auto is = [&](Gate gate) { return (closed & static_cast<std::uint32_t>(gate)) != 0; };
  if (is(Gate::kMisconf) && command::has(flags, Flag::kWrite)) return parts_.texts.misconf();
  if (is(Gate::kFewReplicas)) return Error{ErrorCode::kNoReplicas, {}};
  // EXEC is sent on to the primary by its group, which knows the keys of the queue.
  const bool routed = router_ != nullptr && spec.is(Flag::kRunsQueue);
  if (is(Gate::kReadOnlyReplica) && !routed) return Error{ErrorCode::kReadOnly, {}};
  if (is(Gate::kStale)) return Error{ErrorCode::kMasterDown, {}};
  if (is(Gate::kLoading) || is(Gate::kAsyncLoading)) return Error{ErrorCode::kLoading, {}};
  return std::nullopt;
}

bool Dispatcher::meets_hold(const Command& command, Flag flags, std::span<const KeyRef> keys) const {
  if (!keys.empty()) return parts_.gates.holds(keys);
  // A group says itself what it may touch.
  return command::has(flags, Flag::kWrite) && !command.spec.is(Flag::kComposite) && parts_.gates.holds_any();
}

std::optional<Outcome> Dispatcher::hold_back(Execution& run, const Command& command, Flag flags,
                                             std::span<const KeyRef> keys, std::uint32_t closed,
                                             command::Session& session, resp::Encoder& reply) {
  if (session.origin() != Origin::kClient) return std::nullopt;
  // Before the redirection: what goes to the other server now would be there before the keys are.
  if ((closed & static_cast<std::uint32_t>(Gate::kSlotsHeld)) != 0 && meets_hold(command, flags, keys)) {
    return Outcome::kPostponed;
  }
  closed &= ~static_cast<std::uint32_t>(Gate::kSlotsHeld);
  if (closed == 0) return std::nullopt;
  // A redirection comes before every refusal: what this node cannot do now, the owner of the keys can.
  if (router_ != nullptr && !keys.empty()) {
    keyspace::Db db(parts_.keyspace, session.db, run.access);
    const keyspace::SlotGuard guard(parts_.keyspace, keys);
    const command::Route route = router_->route(flags, keys, session, db);
    if (const auto* refusal = std::get_if<command::Refuse>(&route)) {
      reject(run, &command, refusal->error, session, reply);
      return Outcome::kDone;
    }
  }
  if ((closed & static_cast<std::uint32_t>(Gate::kRedirect)) != 0) {
    if (const auto outcome = redirect(run, command, flags, session, reply)) return outcome;
  }
  if (const auto error = refuse(flags, closed, command.spec)) {
    reject(run, &command, *error, session, reply);
    return Outcome::kDone;
  }
  constexpr auto kPauses =
      static_cast<std::uint32_t>(Gate::kAllPaused) | static_cast<std::uint32_t>(Gate::kWritesPaused);
  if ((closed & kPauses) != 0) return Outcome::kPostponed;
  return std::nullopt;
}

std::optional<Outcome> Dispatcher::redirect(Execution& run, const Command& command, Flag flags,
                                            command::Session& session, resp::Encoder& reply) {
  const bool writes = command::has(flags, Flag::kWrite);
  const bool reads = command::has(flags, Flag::kReadOnly) && !session.cluster_readonly;
  if (!redirects_ || (!writes && !reads)) return std::nullopt;
  const Redirection where = redirects_(session);
  if (where.kind == Redirection::Kind::kStays) return std::nullopt;
  if (where.kind == Redirection::Kind::kWaits) return Outcome::kPostponed;
  if (command.spec.is(Flag::kRunsQueue)) {
    command::end_transaction(session, parts_.keyspace, command::WatchedSlots::kFree);
  } else if (session.in_transaction) {
    session.transaction->aborted = true;
  }
  const std::size_t before = reply.output().size();
  reply.error_line("REDIRECT " + where.target);
  bump(run.stats.commands[command.index].rejected);
  count_error(run, reply.output().view().substr(before));
  return Outcome::kDone;
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
  const bool queues = session.in_transaction && !command->spec.is(Flag::kImmediate);
  if (session.restricted() && permissions_ != nullptr) [[unlikely]] {
    using Where = command::Permissions::Where;
    const Where where = session.in_transaction ? Where::kTransaction : Where::kTopLevel;
    if (const auto error = permissions_->check(session, *command, args, where)) {
      reject(run, command, *error, session, reply);
      return Outcome::kDone;
    }
  }
  if (queues && command->spec.is(Flag::kNoMulti)) [[unlikely]] {
    reject(run, command, {ErrorCode::kGeneric, "Command not allowed inside a transaction"}, session, reply);
    return Outcome::kDone;
  }
  // EXEC is asked whatever its commands would be asked.
  const command::Transaction* ending =
      command->spec.is(Flag::kRunsQueue) && session.in_transaction ? session.transaction.get() : nullptr;
  Flag flags = ending == nullptr ? command->spec.flags : command->spec.flags | ending->flags;
  std::uint32_t gates = gates_of_[command->index] | (ending == nullptr ? 0 : ending->gates);
  // A script is asked what it says that it needs.
  const bool runs_script = command->spec.is(Flag::kComposite) && command->spec.group == command::Group::kScripting;
  if (runs_script && script_flags_ && (queues || run.out_of_memory || parts_.gates.bits() != 0)) [[unlikely]] {
    command::CommandSpec spec = command->spec;
    spec.flags = flags = script_flags_(spec, args);
    gates = server::gates_of(spec);
  }
  const std::uint32_t closed = parts_.gates.bits() & gates;
  const std::span<const KeyRef> keys = std::span(run.keys).subspan(located.first_key, located.key_count);
  if (closed != 0) [[unlikely]] {
    if (const auto outcome = hold_back(run, *command, flags, keys, closed, session, reply)) return *outcome;
  }
  if (run.out_of_memory && (queues || command::has(flags, Flag::kDenyOom)) && session.origin() == Origin::kClient)
      [[unlikely]] {
    reject(run, command, {ErrorCode::kOom, {}}, session, reply);
    return Outcome::kDone;
  }
  if (queues) [[unlikely]] {
    if (const auto error = refuse_queueing(run, flags, keys, session)) {
      reject(run, command, *error, session, reply);
      return Outcome::kDone;
    }
    session.transaction->enqueue(*command, args, gates);
    session.transaction->flags = session.transaction->flags | flags;
    if (counting(slot_stats_)) [[unlikely]]
      count_slot(run, keys, session, 0, run.request_bytes, 0);
    reply.raw(resp::kReplyQueued);
    return Outcome::kDone;
  }
  run.open_gates = session.origin() == Origin::kClient ? gates & ~closed : 0;
  const Outcome outcome = call(run, *command, keys, args, session, reply);
  if (std::exchange(run.gate_fell, false)) [[unlikely]]
    return this->run(run, located, args, session, reply);
  if (run.interests.any_ready() && !run.alone) [[unlikely]] {
    // Who waits is for what is there in the end, not for what was there once.
    session.origin() == Origin::kLoader ? (void)run.interests.take_ready() : serve_ready(run);
  }
  return outcome;
}

bool Dispatcher::looks_everywhere(const Command& command, std::span<const std::string_view> args) const {
  return router_ == nullptr && command::reaches_beyond_keys(command.spec, args);
}

bool Dispatcher::needs_all(const Command& command, std::span<const std::string_view> args) const {
  return command.spec.is(Flag::kWholeKeyspace | Flag::kComposite) || looks_everywhere(command, args);
}

Outcome Dispatcher::run_aside(std::span<const std::string_view> args, command::Session& session,
                              resp::Encoder& reply) const {
  const auto refuse = [&](const Error& error) {
    reply.error(error);
    return Outcome::kDone;
  };
  const Command* command = resolve(args);
  if (command == nullptr) return refuse(unknown_command(parts_.table, args));
  const command::CommandSpec& spec = command->spec;
  if (!spec.arity.accepts(args.size()) || spec.is(Flag::kContainer)) {
    return refuse({ErrorCode::kGeneric, fmt::format("wrong number of arguments for '{}' command", spec.name)});
  }
  if (!session.authenticated && !spec.is(Flag::kNoAuth)) return refuse({ErrorCode::kNoAuth, {}});
  if (const auto error = confined(*command, session, reply.version())) return refuse(*error);
  const bool transactional = spec.group == command::Group::kTransactions;
  const bool watches = session.transaction && !session.transaction->watched.empty();
  const bool at_once = spec.is(Flag::kImmediate) || (transactional && !session.in_transaction);
  if ((watches && at_once) || (transactional && spec.has_keys())) return Outcome::kPostponed;
  const std::string busy(busy_text_());
  if (spec.is(Flag::kRunsQueue)) {
    command::end_transaction(session, parts_.keyspace, command::WatchedSlots::kLocked);  // there are none
    return refuse({ErrorCode::kExecAbort, "Transaction discarded because of: " + busy});
  }
  const bool queues = session.in_transaction && !spec.is(Flag::kImmediate);
  if (!spec.is(Flag::kAllowBusy) || spec.has_keys() || spec.is(Flag::kComposite | Flag::kWholeKeyspace) || queues) {
    if (session.in_transaction) session.transaction->aborted = true;
    reply.error_line(busy);
    return Outcome::kDone;
  }
  if (session.restricted() && permissions_ != nullptr) {
    if (const auto error = permissions_->check(session, *command, args, command::Permissions::Where::kTopLevel)) {
      return refuse(*error);
    }
  }
  const keyspace::AccessContext access;
  command::Effects effects;
  command::Context context(spec, args, {}, keyspace::Db(parts_.keyspace, session.db, access), reply, session, effects);
  command->handler(context);
  return Outcome::kDone;
}

std::optional<Error> Dispatcher::refuse_queueing(Execution& run, Flag flags, std::span<const KeyRef> keys,
                                                 command::Session& session) const {
  if (router_ == nullptr || session.origin() != Origin::kClient || keys.empty()) return std::nullopt;
  keyspace::Db db(parts_.keyspace, session.db, run.access);
  const keyspace::SlotGuard guard(parts_.keyspace, keys);
  command::Route route = router_->route(flags, keys, session, db);
  if (auto* refusal = std::get_if<command::Refuse>(&route)) return std::move(refusal->error);
  return std::nullopt;
}

void Dispatcher::reject(Execution& run, const Command* command, const Error& error, command::Session& session,
                        resp::Encoder& reply) {
  const std::size_t before = reply.output().size();
  if (session.in_transaction && command != nullptr && command->spec.is(Flag::kRunsQueue)) {
    command::end_transaction(session, parts_.keyspace, command::WatchedSlots::kFree);
    // Redis quotes an error of its own class with its prefix, a plain one without.
    const std::string quoted = error.code == ErrorCode::kGeneric ? std::string(error.text()) : error.resp_text();
    reply.error({ErrorCode::kExecAbort, "Transaction discarded because of: " + quoted});
  } else {
    if (session.in_transaction) session.transaction->aborted = true;
    reply.error(error);
  }
  if (command != nullptr) bump(run.stats.commands[command->index].rejected);
  count_error(run, reply.output().view().substr(before));
}

void Dispatcher::count_error(Execution& run, std::string_view reply_line) {
  bump(run.stats.errors);
  if (reply_line.empty()) return;  // of a reply that was cut
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
  const bool slot_counts = counting(slot_stats_);
  if (slot_counts) [[unlikely]]
    run.slot_use = {};
  const Ticks start = ticks_now();
  // A script is shown before the commands that it runs, everything else behind what it has done.
  const bool script = command.spec.is(Flag::kSkipMonitor);
  if (script && parts_.monitors.any()) [[unlikely]]
    show_to_monitors(run, command, args, {}, session);
  if (invoke(run, command, keys, args, session, reply) == Outcome::kPostponed) return Outcome::kPostponed;
  if (run.uncounted) [[unlikely]] {
    run.uncounted = false;
    return Outcome::kDone;
  }
  const Ticks spent = ticks_now() - start;
  const std::string_view written = reply.output().view();
  const std::string_view replied = written.substr(std::min(before, written.size()));
  count_call(run, command, args, spent, replied, session, &run.effects);
  if (slot_counts) [[unlikely]] {
    const std::size_t opened = command.spec.is(Flag::kRunsQueue) ? kMultiRequestBytes : 0;
    count_slot(run, keys, session, spent, run.request_bytes + opened, replied.size());
  }
  // Who comes next sees the keys that have expired meanwhile.
  if (spent >= long_) [[unlikely]] {
    const Micros passed(static_cast<std::int64_t>(parts_.rate.micros(ticks_now() - run.batch_ticks)));
    run.access.now = std::max(run.access.now, run.batch_time + passed);
  }
  return Outcome::kDone;
}

void Dispatcher::count_call(Execution& run, const Command& command, std::span<const std::string_view> args, Ticks spent,
                            std::string_view reply, const command::Session& session, const command::Effects* logged) {
  CommandCounters& counters = run.stats.commands[command.index];
  bump(counters.calls);
  bump(counters.ticks, spent);
  run.stats.count_latency(counters, spent);
  bump(run.stats.processed);
  if (!reply.empty() && reply.front() == '-') [[unlikely]] {
    bump(counters.failed);
    if (!run.error_counted) count_error(run, reply);
  }
  run.error_counted = false;
  if (logged != nullptr && (spent >= noteworthy_ticks_.load(std::memory_order_relaxed) ||
                            run.request_bytes >= noteworthy_request_.load(std::memory_order_relaxed) ||
                            reply.size() >= noteworthy_reply_.load(std::memory_order_relaxed))) [[unlikely]] {
    note(run, command, args, logged->redacted(), session, spent, reply.size());
  }
}

command::Host Dispatcher::host(Execution& run) { return {.inner = run.inner.get(), .blocker = &run.waits}; }

void Dispatcher::note(const Execution& run, const Command& command, std::span<const std::string_view> args,
                      std::span<const std::size_t> secrets, const command::Session& session, Ticks spent,
                      std::size_t reply_bytes) const {
  using Kind = CommandLog::Kind;
  const std::uint64_t micros = parts_.rate.micros(spent);
  parts_.latency.note(command.spec.is(Flag::kFast) ? "fast-command" : "command", run.access.now,
                      Micros(static_cast<std::int64_t>(micros)));
  if (command.spec.is(Flag::kSkipSlowlog)) return;
  const CommandLog::Call call{args, secrets, run.access.now, address_of_ ? address_of_(session) : std::string(),
                              session.name};
  if (micros >= slow_micros_.load(std::memory_order_relaxed)) parts_.command_log.add(Kind::kSlow, call, micros);
  if (run.request_bytes >= noteworthy_request_.load(std::memory_order_relaxed)) {
    parts_.command_log.add(Kind::kLargeRequest, call, run.request_bytes);
  }
  if (reply_bytes >= noteworthy_reply_.load(std::memory_order_relaxed)) {
    parts_.command_log.add(Kind::kLargeReply, call, reply_bytes);
  }
}

void Dispatcher::show_to_monitors(const Execution& run, const Command& command, std::span<const std::string_view> args,
                                  std::span<const std::size_t> secrets, const command::Session& session) const {
  if (command.spec.is(Flag::kAdmin) || session.origin() == Origin::kLoader) return;
  std::vector<std::string_view> shown(args.begin(), args.end());
  if (command.spec.secrets != nullptr) {
    for (std::size_t i = 1; i < shown.size(); ++i) {
      if (command.spec.secrets(args, i)) shown[i] = "(redacted)";
    }
  }
  for (const std::size_t i : secrets) shown[i] = "(redacted)";
  // A script runs its commands for a session of its own, which has no address.
  std::string source = address_of_ ? address_of_(session) : std::string();
  if (source.empty() && run.group != nullptr) source = "lua";
  parts_.monitors.feed(run.access.now, session.db, source, shown);
}

void Dispatcher::show_behind(const Execution& run, const Command& command, std::span<const std::string_view> args,
                             const command::Session& session) const {
  if (parts_.monitors.any() && !command.spec.is(Flag::kSkipMonitor)) [[unlikely]]
    show_to_monitors(run, command, args, run.effects.redacted(), session);
}

bool Dispatcher::gate_fell(Execution& run) const {
  run.gate_fell = (parts_.gates.bits() & std::exchange(run.open_gates, 0)) != 0;
  return run.gate_fell;
}

Outcome Dispatcher::invoke(Execution& run, const Command& command, std::span<const KeyRef> keys,
                           std::span<const std::string_view> args, command::Session& session, resp::Encoder& reply) {
  run.effects.finish();
  run.access.actor = session.id;
  const DbIndex db_index = session.db;  // SELECT changes it while the effect belongs to the old one
  keyspace::Db db(parts_.keyspace, db_index, run.access);
  command::Context context(command.spec, args, keys, db, reply, session, run.effects, host(run));
  if (command.spec.is(Flag::kComposite)) [[unlikely]] {
    run.postpone = false;
    command.handler(context);
    if (run.postpone) return Outcome::kPostponed;
    show_behind(run, command, args, session);
    return Outcome::kDone;
  }
  const bool everything = looks_everywhere(command, args);
  if (!keys.empty() && !everything) [[likely]] {
    const keyspace::SlotGuard guard(parts_.keyspace, keys);
    if (router_ != nullptr && session.origin() == Origin::kClient) {
      const command::Route route = router_->route(command.spec.flags, keys, session, db);
      if (const auto* refusal = std::get_if<command::Refuse>(&route)) {
        reject(run, &command, refusal->error, session, reply);
        run.uncounted = true;
        return Outcome::kDone;
      }
    }
    const bool may_wait = command.spec.is(Flag::kBlocking) && session.can_wait();
    if (may_wait) run.waits.open();
    command.handler(context);
    show_behind(run, command, args, session);
    if (session.tracks_keys) [[unlikely]]
      remember_reads(command, keys, session);
    if (run.effects.changes() > 0 || run.effects.records_as_received() || !run.effects.records().empty()) {
      record(run, command, args, db_index, session);
      if (parts_.gates.closed(Gate::kReplica)) [[unlikely]]
        note_local_expiries(db, keys, session);
    }
    if (may_wait) [[unlikely]] {
      if (const auto request = run.waits.close()) {
        begin_wait(run, command, *request, args, session, reply.version());
        run.uncounted = true;
      }
    }
    return Outcome::kDone;
  }
  if (everything || command.spec.is(Flag::kWholeKeyspace)) {
    std::optional<keyspace::SafePoint::Exclusive> all;
    if (!run.alone) all.emplace(parts_.keyspace.safe_point(), &run.participant);
    if (gate_fell(run)) return Outcome::kPostponed;
    command.handler(context);
    show_behind(run, command, args, session);
    record(run, command, args, db_index, session);
    return Outcome::kDone;
  }
  command.handler(context);
  show_behind(run, command, args, session);
  record(run, command, args, db_index, session);
  return Outcome::kDone;
}

void Dispatcher::collect(Execution& run, const Command& command, std::span<const std::string_view> args, DbIndex db,
                         const command::Effects& effects, const command::Session& session) {
  using changelog::Target;
  using command::Recipients;
  OpenGroup& group = *run.group;
  group.changes += effects.changes();
  if (effects.changes() > 0) keyspace::Counters::bump(run.counters.changes, effects.changes());
  if (!command.spec.is(Flag::kWrite | Flag::kMayReplicate) && !effects.records_as_received()) return;
  if (!parts_.log.active() || session.origin() == Origin::kLoader) return;
  if (group.recipients == Recipients::kNobody) return;
  const Target target = group.recipients == Recipients::kFile       ? Target::kAofOnly
                        : group.recipients == Recipients::kReplicas ? Target::kReplicationOnly
                                                                    : Target::kAll;
  if (effects.records_as_received()) {
    group.records.push_back({db, {args.begin(), args.end()}, target});
  } else {
    for (const auto& record : effects.records()) group.records.push_back({db, record, target});
  }
}

void Dispatcher::record_group(Execution& run, command::Session& session) {
  std::vector<changelog::Recorded>& records = run.group->records;
  if (run.group->dropped) {
    std::vector<changelog::Recorded> kept;
    for (const std::size_t at : run.group->removals) kept.push_back(std::move(records[at]));
    records = std::move(kept);
  }
  if (records.empty()) return;
  const auto target = session.origin() == Origin::kPrimary ? changelog::Target::kAofOnly : changelog::Target::kAll;
  parts_.log.record_group(records, target);
  if (counting(slot_stats_) && target == changelog::Target::kAll) [[unlikely]]
    run.slot_use.streamed += streamed_bytes(records);
  run.wrote = true;
  session.last_write = ReplOffset{static_cast<std::int64_t>(parts_.log.replication_bytes())};
}

void Dispatcher::note_local_expiries(keyspace::Db& db, std::span<const KeyRef> keys, const command::Session& session) {
  if (session.origin() != Origin::kClient) return;
  for (const KeyRef& key : keys) {
    const keyspace::Entry* entry = db.find(key, keyspace::Access::kWrite);
    if (entry != nullptr && entry->has_expiry()) local_expiries_.note(db.index(), key.text);
  }
}

void Dispatcher::expire_local_keys(Execution& run) {
  if (local_expiries_.count() == 0) return;
  if (!parts_.gates.closed(Gate::kReplica)) return local_expiries_.clear();
  constexpr std::size_t kAtOnce = 64;
  keyspace::AccessContext owner = run.access;
  owner.expiry_role = keyspace::ExpiryRole::kPrimary;  // of these keys it is one
  for (const LocalExpiries::Key& key : local_expiries_.some(kAtOnce)) {
    const KeyRef ref = parts_.keyspace.ref(key.name);
    const keyspace::SlotGuard guard(parts_.keyspace, ref.slot);
    const keyspace::Entry* entry = keyspace::Db(parts_.keyspace, key.db, owner).find(ref, keyspace::Access::kWrite);
    if (entry == nullptr || !entry->has_expiry()) local_expiries_.forget(key);
  }
}

Inbox* Dispatcher::reader_of(const Command& command, command::Session& session) {
  if (!session.tracks_keys || !command.spec.is(Flag::kReadOnly) || command.spec.is(Flag::kPubSub)) return nullptr;
  Client* client = client_of(session);
  return client == nullptr || !client->tracking()->remembers() ? nullptr : &client->worker().inbox();
}

void Dispatcher::remember_reads(const Command& command, std::span<const KeyRef> keys, command::Session& session) const {
  if (Inbox* inbox = reader_of(command, session)) parts_.tracking.remember(keys, session.id, *inbox);
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
  if (counting(slot_stats_) && target != changelog::Target::kAofOnly) [[unlikely]] {
    run.slot_use.streamed += effects.records_as_received() ? frame_bytes(args) : streamed_bytes(effects.records());
  }
  run.wrote = true;
  session.last_write = ReplOffset{static_cast<std::int64_t>(parts_.log.replication_bytes())};
}

}  // namespace ashlar::server
