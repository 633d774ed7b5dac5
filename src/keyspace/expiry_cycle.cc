#include "keyspace/expiry_cycle.h"

#include <algorithm>
#include <string>
#include <vector>

#include "keyspace/values/hash.h"

namespace ashlar::keyspace {

namespace {
constexpr std::uint64_t kEntriesPerStep = 256;  // a lock hold of some tens of microseconds at most
constexpr std::uint64_t kFieldsPerStep = 128;
}  // namespace

ExpiryCycle::End ExpiryCycle::run(const AccessContext& context, Ticks budget) {
  const Ticks deadline = ticks_now() + budget;
  const std::uint32_t slots = (kSlotCount - first_ + stride_ - 1) / stride_;
  for (std::uint32_t seen = 0; seen < slots; ++seen) {
    if (!run_slot(context, deadline)) return End::kBudgetSpent;
    slot_ += stride_;
    if (slot_ >= kSlotCount) slot_ = first_;
    if (seen % 64 == 63 && ticks_now() > deadline) return End::kBudgetSpent;
  }
  return End::kAllSlotsSeen;
}

bool ExpiryCycle::run_slot(const AccessContext& context, Ticks deadline) {
  Slot& slot = keyspace_.slot(SlotId::wrap(slot_));
  const std::int64_t now = unix_millis(context.now);
  std::uint32_t db = pass_ ? pass_->db : 0;
  for (;;) {
    // A slot that somebody works on comes again soon: a snapshot may be copying a huge value, and nobody else may wait.
    if (!slot.lock.try_lock()) return !pass_.has_value();
    if (!pass_ && slot.agenda && slot.agenda->due(now)) {
      step_fields(context, slot);
      slot.lock.unlock();
      if (ticks_now() > deadline) return false;
      continue;
    }
    if (!pass_) {
      SlotDb* due = nullptr;
      slot.for_each_db([&](SlotDb& d) {
        if (due == nullptr && d.number >= db && d.next_expiry_ms < now) due = &d;
      });
      if (due == nullptr) {
        slot.lock.unlock();
        return true;
      }
      // From here on the table's bound holds only what writers add; the pass finds the rest.
      db = due->number;
      pass_ = Pass{db, 0, kNeverMs};
      due->next_expiry_ms = kNeverMs;
    }
    if (SlotDb* d = slot.find(pass_->db)) {
      step(context, *d, *pass_);
      if (pass_->position == EntryTable::kScanEnd) {
        d->next_expiry_ms = std::min(d->next_expiry_ms, pass_->next_expiry_ms);
        pass_.reset();
      }
    } else {
      pass_.reset();
    }
    slot.lock.unlock();
    if (!pass_) ++db;
    if (ticks_now() > deadline) return false;
  }
}

void ExpiryCycle::step_fields(const AccessContext& context, Slot& slot) {
  const FieldAgenda::Item item = slot.agenda->first();  // a copy: it is removed below
  const KeyRef key = keyspace_.ref(item.key);
  Db db(keyspace_, DbIndex{item.db}, context);
  Entry* entry = db.find(key, Access::kWrite);
  if (slot.agenda) slot.agenda->remove(item.ms, item.db, item.key);  // or it went with the key
  Hash* hash = entry == nullptr ? nullptr : entry->collection<Hash>();
  if (hash == nullptr) return;
  hash->set_agenda_ms(kNoExpiryMs);
  if (db.expire_fields(key, *hash, kFieldsPerStep)) db.plan_field_expiry(key, *hash);
}

void ExpiryCycle::step(const AccessContext& context, SlotDb& db, Pass& pass) {
  const std::int64_t now = unix_millis(context.now);
  std::vector<std::string> due;  // copies: removing frees the text
  pass.position = db.table.scan(pass.position, kEntriesPerStep, [&](const EntryTable::Word& word) {
    if (!word.marked()) return;
    const std::int64_t at = word.record()->expiry_ms();
    if (at < now) {
      due.emplace_back(word.record()->key());
    } else {
      pass.next_expiry_ms = std::min(pass.next_expiry_ms, at);
    }
  });
  Db access(keyspace_, DbIndex{pass.db}, context);
  for (const std::string& key : due) (void)access.find(keyspace_.ref(key), Access::kWrite);
}

}  // namespace ashlar::keyspace
