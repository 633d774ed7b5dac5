#include "server/inner.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "command/reach.h"

namespace ashlar::server {

using command::Caller;
using command::Command;
using command::Flag;
using command::GroupEnd;
using command::GroupScope;
using command::Origin;
using command::Refusal;
using keyspace::KeyRef;
using Reason = command::Refusal::Reason;

GroupEnd Inner::group(command::Context& ctx, const GroupScope& scope, const std::function<void()>& body) {
  const bool whole = scope.extent == GroupScope::Extent::kWholeKeyspace;
  if (run_.group != nullptr) {  // becomes a part of the group around it, which has locked enough
    if (whole && !run_.group->exclusive) {
      ctx.error("This command needs the whole key space, of which its caller holds a part");
      return GroupEnd::kRefused;
    }
    body();
    return GroupEnd::kRan;
  }
  OpenGroup group;
  keyspace::Keyspace& keyspace = dispatcher_.parts_.keyspace;
  if (whole) {
    std::optional<keyspace::SafePoint::Exclusive> all;
    if (!run_.alone) all.emplace(keyspace.safe_point(), &run_.participant);
    if (dispatcher_.gate_fell(run_)) {
      run_.postpone = true;
      return GroupEnd::kPostponed;
    }
    group.exclusive = true;
    return run_locked(ctx, scope, group, body);
  }
  if (scope.keys.empty()) return run_locked(ctx, scope, group, body);
  const keyspace::SlotGuard guard(keyspace, scope.keys);
  group.guard = &guard;
  return run_locked(ctx, scope, group, body);
}

bool Inner::meets_hold(const command::Context& ctx, const GroupScope& scope) const {
  Gates& gates = dispatcher_.parts_.gates;
  if (!gates.closed(Gate::kSlotsHeld) || ctx.session.origin() != Origin::kClient) return false;
  if (!command::has(scope.flags, Flag::kWrite | Flag::kMayReplicate)) return false;
  return scope.extent == GroupScope::Extent::kWholeKeyspace ? gates.holds_any() : gates.holds(scope.keys);
}

GroupEnd Inner::run_locked(command::Context& ctx, const GroupScope& scope, OpenGroup& group,
                           const std::function<void()>& body) {
  if (meets_hold(ctx, scope)) {
    run_.postpone = true;
    return GroupEnd::kPostponed;
  }
  if (dispatcher_.router_ != nullptr && ctx.session.origin() == Origin::kClient && !scope.routed.empty()) {
    const command::Route route =
        dispatcher_.router_->route(ctx.spec.flags | scope.flags, scope.routed, ctx.session, ctx.db);
    if (const auto* refusal = std::get_if<command::Refuse>(&route)) {
      ctx.error(refusal->error);
      return GroupEnd::kRefused;
    }
    group.routed = scope.routed[0].slot;
  }
  const bool nowhere = dispatcher_.router_ != nullptr && scope.routed.empty();  // FLUSHALL, whose queue a primary took
  if (nowhere && ctx.session.origin() == Origin::kClient && command::has(scope.flags, Flag::kWrite) &&
      dispatcher_.parts_.gates.closed(Gate::kReadOnlyReplica)) {
    const Error error{ErrorCode::kReadOnly, {}};
    ctx.error(ErrorCode::kExecAbort, "Transaction discarded because of: " + error.resp_text());
    return GroupEnd::kRefused;
  }
  run_.group = &group;
  caller_ = &ctx.session;
  body();
  dispatcher_.record_group(run_, ctx.session);
  caller_ = nullptr;
  run_.group = nullptr;
  return GroupEnd::kRan;
}

void Inner::record_for(command::Recipients recipients) {
  ASH_CHECK(run_.group != nullptr);
  run_.group->recipients = recipients;
}

void Inner::ask_for_memory(Memory memory) {
  ASH_CHECK(run_.group != nullptr);
  run_.group->memory = memory;
}

void Inner::keep_to(Slots slots, std::optional<SlotId> slot) {
  ASH_CHECK(run_.group != nullptr);
  run_.group->slots = slots;
  run_.group->only_slot = slot;
}

void Inner::drop_effects() {
  ASH_CHECK(run_.group != nullptr);
  run_.group->dropped = true;
}

std::optional<Refusal> Inner::refusal(const Command& command, std::size_t argc, command::Session& session,
                                      Caller caller) const {
  const command::CommandSpec& spec = command.spec;
  if (!spec.arity.accepts(argc) || spec.is(Flag::kContainer)) {
    return Refusal{Reason::kArity,
                   {ErrorCode::kGeneric, fmt::format("wrong number of arguments for '{}' command", spec.name)}};
  }
  if (caller == Caller::kTransaction) {
    // Asked when it began; while commands of it ran alone we may have become a replica.
    const bool late = spec.is(Flag::kWrite) && session.origin() == Origin::kClient &&
                      dispatcher_.parts_.gates.closed(Gate::kReadOnlyReplica);
    return late ? std::optional(Refusal{Reason::kReplica, {ErrorCode::kReadOnly, {}}}) : std::nullopt;
  }
  const bool for_clients = spec.is(Flag::kNoScript) && !dispatcher_.all_in_scripts_.load(std::memory_order_relaxed);
  if (for_clients || spec.is(Flag::kDefers)) {
    return Refusal{Reason::kNotAllowed, {ErrorCode::kGeneric, "This Redis command is not allowed from script"}};
  }
  // What may be passed on counts as a write, so that CLIENT PAUSE WRITE may let such scripts run.
  if (caller == Caller::kReadOnlyScript && spec.is(Flag::kWrite | Flag::kMayReplicate)) {
    return Refusal{Reason::kWrite, {ErrorCode::kGeneric, "Write commands are not allowed from read-only scripts."}};
  }
  if (session.origin() != Origin::kClient) return std::nullopt;
  // A script that has written goes on to its end, whatever happens meanwhile.
  const bool halfway = has_written();
  const std::uint32_t closed = dispatcher_.parts_.gates.bits() & dispatcher_.gates_of_[command.index];
  if (closed != 0 && !halfway) {
    if (auto error = dispatcher_.refuse(spec.flags, closed, spec)) {
      const auto reason = [&] {
        switch (error->code) {
          case ErrorCode::kLoading: return Reason::kLoading;
          case ErrorCode::kNoReplicas: return Reason::kFewReplicas;
          case ErrorCode::kReadOnly: return Reason::kReplica;
          case ErrorCode::kMasterDown: return Reason::kStale;
          default: return Reason::kMisconf;
        }
      }();
      return Refusal{reason, std::move(*error)};
    }
  }
  if (run_.out_of_memory && spec.is(Flag::kDenyOom) && !halfway && run_.group->memory == Memory::kAsked) {
    return Refusal{Reason::kOutOfMemory, {ErrorCode::kOom, {}}};
  }
  return std::nullopt;
}

bool Inner::leaves_its_slot(std::span<const KeyRef> keys) const {
  OpenGroup& group = *run_.group;
  if (group.slots == Slots::kAny || keys.empty()) return false;
  if (!group.only_slot) group.only_slot = keys[0].slot;
  return std::ranges::any_of(keys, [&](const KeyRef& key) { return key.slot != *group.only_slot; });
}

std::optional<Refusal> Inner::placed(const Command& command, std::span<const std::string_view> args,
                                     std::span<const KeyRef> keys, command::Session& session, keyspace::Db& db,
                                     Caller caller) const {
  const OpenGroup& group = *run_.group;
  // A group waits before it begins. An EXEC that has let others run in its middle may meet a hold there.
  Gates& gates = dispatcher_.parts_.gates;
  if (gates.closed(Gate::kSlotsHeld) && session.origin() == Origin::kClient &&
      command.spec.is(Flag::kWrite | Flag::kMayReplicate) && gates.holds(keys)) [[unlikely]] {
    return Refusal{Reason::kForeignSlot, {ErrorCode::kTryAgain, {}}};
  }
  if (!group.exclusive) {
    const bool everything = dispatcher_.looks_everywhere(command, args);
    if (everything || command::looks_at_all_slots(command.spec)) {
      return Refusal{Reason::kWholeKeyspace,
                     {ErrorCode::kGeneric,
                      fmt::format("'{}' looks at all slots, of which its caller holds a part", command.spec.name)}};
    }
    for (const KeyRef& key : keys) {
      if (group.guard == nullptr || !group.guard->holds(key.slot)) {
        return Refusal{Reason::kUndeclared, {ErrorCode::kCrossSlot, {}}};
      }
    }
  }
  if (dispatcher_.router_ == nullptr || session.origin() != Origin::kClient || keys.empty()) return std::nullopt;
  if (leaves_its_slot(keys)) return Refusal{Reason::kUndeclared, {ErrorCode::kCrossSlot, {}}};
  // A transaction was sent here as a whole. Of a script nobody knows which keys it will touch, nor whether it writes.
  const auto routed = [&](const KeyRef& key) { return key.slot == group.routed; };
  if (caller == Caller::kTransaction && std::ranges::all_of(keys, routed)) return std::nullopt;
  const command::Route route = dispatcher_.router_->route(command.spec.flags, keys, session, db);
  if (const auto* refused = std::get_if<command::Refuse>(&route)) {
    const ErrorCode code = refused->error.code;
    const Reason reason = code == ErrorCode::kClusterDown ? Reason::kClusterDown
                          : code == ErrorCode::kCrossSlot ? Reason::kUndeclared
                                                          : Reason::kForeignSlot;
    return Refusal{reason, refused->error};
  }
  return std::nullopt;
}

std::optional<Refusal> Inner::call(std::span<const std::string_view> args, command::Session& session,
                                   resp::Encoder& reply, Caller caller) {
  auto refused = try_call(args, session, reply, caller);
  if (refused && caller != Caller::kTransaction) {
    // A script words it in its own way; only then is what the user may not do no error of that class.
    const bool coded = refused->reason != Reason::kPermission;
    dispatcher_.count_error(run_, coded ? "-" + refused->error.resp_text() : "-ERR");
  }
  return refused;
}

std::optional<Refusal> Inner::try_call(std::span<const std::string_view> args, command::Session& session,
                                       resp::Encoder& reply, Caller caller) {
  ASH_CHECK(run_.group != nullptr);
  const Command* command = find(args);
  if (command == nullptr) return Refusal{Reason::kUnknown, unknown_command(dispatcher_.parts_.table, args)};
  if (auto refused = refusal(*command, args.size(), session, caller)) {
    bump(run_.stats.commands[command->index].rejected);
    return refused;
  }
  KeyRef only{};
  std::vector<KeyRef> several;
  std::span<const KeyRef> keys;
  if (const std::uint16_t at = dispatcher_.only_key_[command->index]; at != 0 && args.size() > at) [[likely]] {
    only = ref(args[at]);
    keys = {&only, 1};
  } else if (command->spec.has_keys()) {
    command::find_keys(command->spec, args, run_.positions);
    several.reserve(run_.positions.size());
    for (const command::KeyPosition& position : run_.positions) several.push_back(ref(args[position.argument]));
    keys = several;
  }
  if (auto refused = forbidden(*command, args, session, caller)) return refused;
  const DbIndex db_index = session.db;
  keyspace::Db db(dispatcher_.parts_.keyspace, db_index, run_.access);
  if (auto refused = placed(*command, args, keys, session, db, caller)) {
    bump(run_.stats.commands[command->index].rejected);
    return refused;
  }
  if (!keys.empty() && dispatcher_.counts_slots()) [[unlikely]]
    run_.slot_use.note(keys[0].slot);
  command::Effects effects;
  const std::size_t before = reply.output().size();
  const Ticks start = ticks_now();
  command::Context context(command->spec, args, keys, db, reply, session, effects, Dispatcher::host(run_));
  const bool script = command->spec.is(Flag::kSkipMonitor);  // shown before its commands
  if (script && dispatcher_.parts_.monitors.any()) [[unlikely]]
    dispatcher_.show_to_monitors(run_, *command, args, {}, session);
  command->handler(context);
  if (!script && dispatcher_.parts_.monitors.any()) [[unlikely]]
    dispatcher_.show_to_monitors(run_, *command, args, effects.redacted(), session);
  const std::string_view written = reply.output().view();
  dispatcher_.count_call(run_, *command, args, ticks_now() - start, written.substr(std::min(before, written.size())),
                         session, caller == Caller::kTransaction ? &effects : nullptr);
  // A script reads for whoever has called it.
  if (caller_->tracks_keys) dispatcher_.remember_reads(*command, keys, *caller_);
  dispatcher_.collect(run_, *command, args, db_index, effects, session);
  if (effects.changes() > 0 && dispatcher_.parts_.gates.closed(Gate::kReplica)) [[unlikely]]
    dispatcher_.note_local_expiries(db, keys, session);
  return std::nullopt;
}

std::optional<Refusal> Inner::forbidden(const Command& command, std::span<const std::string_view> args,
                                        const command::Session& session, Caller caller) {
  if (!session.restricted() || dispatcher_.permissions_ == nullptr) return std::nullopt;
  using Where = command::Permissions::Where;
  const Where where = caller == Caller::kTransaction ? Where::kExec : Where::kScript;
  auto error = dispatcher_.permissions_->check(session, command, args, where);
  if (!error) return std::nullopt;
  bump(run_.stats.commands[command.index].rejected);
  return Refusal{Reason::kPermission, std::move(*error)};
}

std::optional<Refusal> Inner::alone(std::span<const std::string_view> args, command::Session& session,
                                    resp::Encoder& reply) {
  ASH_CHECK(run_.group == nullptr);
  const Command* command = find(args);
  ASH_CHECK(command != nullptr && !command->spec.has_keys());
  if (auto refused = forbidden(*command, args, session, Caller::kTransaction)) return refused;
  (void)dispatcher_.call(run_, *command, {}, args, session, reply);
  run_.effects.finish();  // else they would be taken for those of the command around
  return std::nullopt;
}

const Command* Inner::find(std::span<const std::string_view> args) const { return dispatcher_.resolve(args); }

KeyRef Inner::ref(std::string_view key) const { return dispatcher_.parts_.keyspace.ref(key); }

}  // namespace ashlar::server
