#include "command/transaction.h"

#include <algorithm>

#include "command/session.h"
#include "keyspace/keyspace.h"
#include "keyspace/slot_guard.h"

namespace ashlar::command {

using keyspace::KeyRef;
using keyspace::Keyspace;

void Transaction::enqueue(const Command& command, std::span<const std::string_view> args, std::uint32_t gates_of_it) {
  QueuedCommand queued{&command, {}};
  queued.args.reserve(args.size());
  for (const std::string_view arg : args) {
    bytes += arg.size();
    queued.args.emplace_back(arg);
  }
  queue.push_back(std::move(queued));
  gates |= gates_of_it;
}

Transaction& ensure_transaction(Session& session) {
  if (!session.transaction) session.transaction = std::make_unique<Transaction>();
  return *session.transaction;
}

void watch_key(Session& session, Keyspace& keyspace, DbIndex db, const KeyRef& key, WallTime now) {
  Transaction& transaction = ensure_transaction(session);
  if (!transaction.broken) transaction.broken = std::make_shared<keyspace::WatchFlag>(false);
  if (!transaction.watched.insert({db, std::string(key.text)}).second) return;
  keyspace.interests().watch(db, key, transaction.broken, now);
}

bool watch_broken(const Transaction& transaction, Keyspace& keyspace, WallTime now) {
  if (!transaction.broken) return false;
  if (transaction.broken->load(std::memory_order_acquire)) return true;
  return std::ranges::any_of(transaction.watched, [&](const WatchedKey& watched) {
    return keyspace.interests().expired_since(watched.db, keyspace.ref(watched.text), *transaction.broken, now);
  });
}

void unwatch_all(Session& session, Keyspace& keyspace, WatchedSlots slots) {
  if (!session.transaction) return;
  Transaction& transaction = *session.transaction;
  for (const WatchedKey& watched : transaction.watched) {
    const KeyRef key = keyspace.ref(watched.text);
    if (slots == WatchedSlots::kLocked) {
      keyspace.interests().unwatch(watched.db, key, *transaction.broken);
    } else {
      const keyspace::SlotGuard guard(keyspace, key.slot);
      keyspace.interests().unwatch(watched.db, key, *transaction.broken);
    }
  }
  transaction.watched.clear();
  transaction.broken.reset();
  if (!transaction.open) session.transaction.reset();
}

void end_transaction(Session& session, Keyspace& keyspace, WatchedSlots slots) {
  if (!session.transaction) return;
  session.transaction->open = false;
  session.in_transaction = false;
  unwatch_all(session, keyspace, slots);  // lets go of the rest too
}

}  // namespace ashlar::command
