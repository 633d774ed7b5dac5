#include "server/blocked_command.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "keyspace/slot_guard.h"
#include "server/dispatcher.h"

namespace ashlar::server {

using keyspace::KeyRef;
using keyspace::SlotGuard;

namespace {

/// Whether the cluster may have something to say later to one who waits: while its slot moves, what comes to its keys
/// comes where it waits or the slot leaves, and then it is sent after it.
bool may_wait_on(const command::Refuse& refusal) noexcept {
  return refusal.error.code == ErrorCode::kAsk || refusal.error.code == ErrorCode::kTryAgain;
}

/// Everybody who waits was registered by begin_wait().
BlockedCommand& blocked_of(keyspace::Waiter& waiter) { return static_cast<BlockedCommand&>(waiter); }
const BlockedCommand& blocked_of(const keyspace::Waiter& waiter) { return static_cast<const BlockedCommand&>(waiter); }

}  // namespace

void Dispatcher::begin_wait(Execution& run, const command::Command& command, const command::BlockRequest& request,
                            std::span<const std::string_view> args, command::Session& session, resp::Version version) {
  auto blocked = std::make_shared<BlockedCommand>(command, session, version);
  blocked->arrival = arrivals_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (request.args.empty()) {
    blocked->words.assign(args.begin(), args.end());
  } else {
    blocked->words = request.args;
  }
  blocked->args.assign(blocked->words.begin(), blocked->words.end());
  for (const std::string& word : blocked->words) blocked->word_bytes += word.size();
  command::find_keys(command.spec, blocked->args, run.positions);
  for (const command::KeyPosition& position : run.positions) {
    blocked->keys.push_back(parts_.keyspace.ref(blocked->args[position.argument]));
  }
  // Commands wait for their keys in the order in which they name them: each is found where the last one was, or behind.
  auto own = blocked->keys.cbegin();
  for (const KeyRef& wanted : request.keys) {
    const auto same = [&](const KeyRef& key) { return key.text == wanted.text; };
    const auto from = std::exchange(own, std::find_if(own, blocked->keys.cend(), same));
    if (own == blocked->keys.cend()) own = std::find_if(blocked->keys.cbegin(), from, same);
    ASH_CHECK(own != blocked->keys.cend() && same(*own));
    blocked->awaited.push_back(*own);
  }
  blocked->type = request.type;
  blocked->wake_on = request.wake_on;
  blocked->request_bytes = run.request_bytes;
  blocked->reader = reader_of(command, session);
  blocked->deliver = session.begin_wait(blocked, request.timeout);
  for (const KeyRef& key : blocked->awaited) parts_.keyspace.interests().wait(session.db, key, blocked);
}

void Dispatcher::forget(const BlockedCommand& blocked) {
  for (const KeyRef& key : blocked.awaited) {
    parts_.keyspace.interests().stop_waiting(blocked.session.db, key, blocked);
  }
}

bool Dispatcher::worth_running(const BlockedCommand& blocked, keyspace::Db& db) const {
  return std::ranges::any_of(blocked.awaited, [&](const KeyRef& key) {
    const keyspace::Entry* entry = db.find(key, keyspace::Access::kPeek);
    const bool fits = entry != nullptr && entry->type() == blocked.type;
    return fits || blocked.wake_on == command::WakeOn::kAnyChange;
  });
}

std::optional<Error> Dispatcher::denial(const BlockedCommand& blocked) const {
  if (permissions_ == nullptr || !blocked.session.restricted()) return std::nullopt;
  return permissions_->check(blocked.session, *blocked.command, blocked.args, command::Permissions::Where::kTopLevel);
}

void Dispatcher::abandon(keyspace::Waiter& waiter) noexcept { blocked_of(waiter).gone.store(true); }

Dispatcher::Held Dispatcher::held_by(const keyspace::Waiter& waiter) noexcept {
  const BlockedCommand& blocked = blocked_of(waiter);
  constexpr std::size_t kRegistration = 128;  // of a key, without its name
  const std::size_t words = blocked.words.size() * (sizeof(std::string) + sizeof(std::string_view));
  const std::size_t keys = (blocked.keys.size() + blocked.awaited.size()) * sizeof(KeyRef);
  return {.arguments = blocked.word_bytes,
          .registered = sizeof(blocked) + words + keys + blocked.word_bytes + blocked.awaited.size() * kRegistration};
}

void Dispatcher::serve_ready(Execution& run) {
  const keyspace::ExpiryRole role = run.access.expiry_role;
  run.access.expiry_role = this->role();
  // Serving one may make other keys ready (BLMOVE): until nothing is left.
  while (run.interests.any_ready()) {
    for (const keyspace::ReadyKey& ready : run.interests.take_ready()) serve_key(run, ready);
  }
  run.access.expiry_role = role;
}

void Dispatcher::serve_key(Execution& run, const keyspace::ReadyKey& ready) {
  const KeyRef key = parts_.keyspace.ref(ready.text);
  std::uint64_t after = 0;
  for (;;) {
    std::shared_ptr<keyspace::Waiter> next;
    {
      const SlotGuard guard(parts_.keyspace, key.slot);
      next = parts_.keyspace.interests().next_waiter(ready.db, key, after);
    }
    if (!next) return;
    after = next->arrival;
    attend(run, *next);
  }
}

void Dispatcher::attend(Execution& run, keyspace::Waiter& waiter) {
  BlockedCommand& blocked = blocked_of(waiter);
  ByteBuffer buffer;
  resp::Encoder reply(buffer, blocked.version);
  const Ticks start = ticks_now();
  run.slot_use = {};
  {
    const SlotGuard guard(parts_.keyspace, blocked.keys);
    if (blocked.done || blocked.gone.load()) return;
    // The connection of a user that is gone ends when its loop hears of it.
    if (permissions_ != nullptr && !permissions_->refresh(blocked.session)) return;
    const bool held = parts_.gates.closed(Gate::kSlotsHeld) && blocked.command->spec.is(command::Flag::kWrite);
    if (held && parts_.gates.holds(blocked.keys)) return;
    keyspace::Db db(parts_.keyspace, blocked.session.db, run.access);
    const command::Route route = router_ == nullptr
                                     ? command::Route(command::Serve{})
                                     : router_->route(blocked.command->spec.flags, blocked.keys, blocked.session, db);
    if (const auto* refusal = std::get_if<command::Refuse>(&route)) {
      if (may_wait_on(*refusal) && !worth_running(blocked, db)) return;
      reply.error(refusal->error);
    } else if (!worth_running(blocked, db)) {
      return;
    } else if (const auto denied = denial(blocked)) {
      reply.error(*denied);
    } else {
      run.effects.finish();
      run.access.actor = blocked.session.id;
      command::Context context(blocked.command->spec, blocked.args, blocked.keys, db, reply, blocked.session,
                               run.effects, host(run));
      run.waits.open();
      blocked.command->handler(context);
      if (blocked.reader != nullptr) parts_.tracking.remember(blocked.keys, blocked.session.id, *blocked.reader);
      record(run, *blocked.command, blocked.args, blocked.session.db, blocked.session);
      if (run.waits.close()) return;  // nothing for it yet: it keeps its place
    }
    blocked.done = true;
    forget(blocked);
  }
  const Ticks spent = ticks_now() - start;
  count_call(run, *blocked.command, blocked.args, spent, buffer.view(), blocked.session, &run.effects);
  if (counts_slots()) [[unlikely]]
    count_slot(run, blocked.keys, blocked.session, spent, blocked.request_bytes, buffer.size());
  run.deliveries.push_back({blocked.deliver, std::string(buffer.view()), blocked.session.last_write});
}

void Dispatcher::deliver(Execution& run) {
  for (LateDelivery& late : run.deliveries) late.deliver(late.replies, late.last_write);
  run.deliveries.clear();
  run.changes.broadcast();
}

bool Dispatcher::end_wait(Execution& run, keyspace::Waiter& waiter, std::string_view error) {
  BlockedCommand& blocked = blocked_of(waiter);
  const SlotGuard guard(parts_.keyspace, blocked.keys);
  if (blocked.done) return false;
  blocked.done = true;
  forget(blocked);
  CommandCounters& counters = run.stats.commands[blocked.command->index];
  bump(counters.calls);
  if (!error.empty()) {
    bump(counters.failed);
    count_error(run, error);
  }
  if (counts_slots()) [[unlikely]]
    count_slot(run, blocked.keys, blocked.session, 0, blocked.request_bytes, 0);
  return true;
}

}  // namespace ashlar::server
