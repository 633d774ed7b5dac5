#include "keyspace/db.h"

#include <algorithm>
#include <string>
#include <vector>

#include "keyspace/values/hash.h"

namespace ashlar::keyspace {

EntryTable::Word* Db::locate(SlotDb& db, const KeyRef& key) const {
  return db.table.find(key.hash, [&](const Entry& entry) { return entry.key() == key.text; });
}

bool Db::expired(const Entry& entry) const noexcept {
  return entry.has_expiry() && entry.expiry_ms() < unix_millis(context_->now);  // Redis: strictly after
}

void Db::touch(Entry& entry) const {
  const AccessSettings& access = keyspace_->access();
  if (uses_lfu(access.policy.load(std::memory_order_relaxed))) {
    entry.set_clock(lfu_touched(entry.clock(), context_->now, access.lfu(), *context_->rng));
    return;
  }
  const std::uint32_t clock = lru_clock(context_->now);
  if (entry.clock() != clock) entry.set_clock(clock);  // compare first: a store would dirty the line on every read
}

void Db::remove_word(SlotDb& db, const KeyRef& key, EntryTable::Word* word) {
  keyspace_->before_change(index_, key);
  Entry* entry = word->record();
  if (word->marked()) --db.expires;
  forget_fields(key, *entry);
  db.table.erase(key.hash, word);
  dispose(entry);
  modified(key);
}

void Db::replace_record(SlotDb& db, EntryTable::Word* word, Entry* fresh) noexcept {
  word->replace(fresh);
  if (word->marked() != fresh->has_expiry()) {
    if (fresh->has_expiry()) {
      word->mark();
      ++db.expires;
    } else {
      word->unmark();
      --db.expires;
    }
  }
  if (fresh->has_expiry()) db.next_expiry_ms = std::min(db.next_expiry_ms, fresh->expiry_ms());
}

void Db::insert(SlotDb& db, const KeyRef& key, Entry* fresh) {
  const AccessSettings& access = keyspace_->access();
  fresh->set_clock(uses_lfu(access.policy.load(std::memory_order_relaxed)) ? lfu_initial(context_->now)
                                                                           : lru_clock(context_->now));
  db.table.insert(key.hash, fresh, fresh->has_expiry());
  if (fresh->has_expiry()) {
    ++db.expires;
    db.next_expiry_ms = std::min(db.next_expiry_ms, fresh->expiry_ms());
  }
  notify(EventClass::kNew, "new", key);
}

Entry* Db::find(const KeyRef& key, Access access) {
  SlotDb* db = keyspace_->slot(key.slot).find(index_.value);
  EntryTable::Word* word = db == nullptr ? nullptr : locate(*db, key);
  if (word != nullptr && word->marked() && context_->expiry_role != ExpiryRole::kApply && expired(*word->record()))
      [[unlikely]] {
    if (context_->expiry_role == ExpiryRole::kPrimary) {
      AccessContext nobody = *context_;  // whoever looked is not the one who changed the key
      nobody.actor = {};
      Db(*keyspace_, index_, nobody).remove_word(*db, key, word);
      Counters::bump(context_->counters->expired);
      if (context_->removals != nullptr) context_->removals->key_removed(index_, key, Removal::kExpired);
      notify(EventClass::kExpired, "expired", key);
    }
    word = nullptr;
  }
  if (access != Access::kWrite) Counters::bump(word != nullptr ? context_->counters->hits : context_->counters->misses);
  if (word == nullptr) {
    if (access != Access::kWrite) notify(EventClass::kKeyMiss, "keymiss", key);
    return nullptr;
  }
  if (access != Access::kPeek) touch(*word->record());
  return word->record();
}

std::optional<WallTime> Db::resolve(const NewExpiry& expiry, const Entry* old) const noexcept {
  if (const auto* at = std::get_if<WallTime>(&expiry)) return *at;
  if (std::holds_alternative<KeepExpiry>(expiry) && old != nullptr) return old->expiry();
  return std::nullopt;
}

template <typename InPlace, typename Make>
Entry* Db::assign(const KeyRef& key, const NewExpiry& expiry, InPlace&& in_place, Make&& make) {
  SlotDb& db = keyspace_->slot(key.slot).ensure(index_.value);
  keyspace_->before_change(index_, key);
  modified(key);
  EntryTable::Word* word = locate(db, key);
  if (word == nullptr) {
    Entry* fresh = make(resolve(expiry, nullptr));
    insert(db, key, fresh);
    return fresh;
  }
  Entry* old = word->record();
  const std::optional<WallTime> at = resolve(expiry, old);
  touch(*old);
  if (at.has_value() == old->has_expiry() && in_place(*old)) {
    if (at) {
      old->set_expiry_in_place(*at);
      db.next_expiry_ms = std::min(db.next_expiry_ms, unix_millis(*at));
    }
    return old;
  }
  Entry* fresh = make(at);
  fresh->set_clock(old->clock());
  forget_fields(key, *old);
  replace_record(db, word, fresh);
  dispose(old);
  return fresh;
}

Entry* Db::set(const KeyRef& key, std::string_view value, const NewExpiry& expiry) {
  return assign(
      key, expiry, [&](Entry& e) { return e.assign_in_place(value); },
      [&](std::optional<WallTime> at) { return Entry::make(key.text, value, at); });
}

Entry* Db::set_int(const KeyRef& key, std::int64_t value, const NewExpiry& expiry) {
  return assign(
      key, expiry, [&](Entry& e) { return e.assign_int_in_place(value); },
      [&](std::optional<WallTime> at) { return Entry::make_int(key.text, value, at); });
}

void Db::change_int(const KeyRef& key, Entry& found, std::int64_t value) {
  keyspace_->before_change(index_, key);
  modified(key);
  const bool fits = found.is_int() && found.assign_int_in_place(value);
  ASH_CHECK(fits);
}

Entry* Db::put(const KeyRef& key, OwnedValue value, std::optional<WallTime> expiry) {
  const NewExpiry wanted = expiry ? NewExpiry(*expiry) : NewExpiry(NoExpiry{});
  Entry* entry = assign(
      key, wanted, [](Entry&) { return false; },
      [&](std::optional<WallTime> at) { return Entry::make_owned(key.text, std::move(value), at); });
  if (Hash* hash = entry->collection<Hash>()) plan_field_expiry(key, *hash);
  return entry;
}

char* Db::resize(const KeyRef& key, std::size_t size) {
  SlotDb& db = keyspace_->slot(key.slot).ensure(index_.value);
  keyspace_->before_change(index_, key);
  modified(key);
  EntryTable::Word* word = locate(db, key);
  if (word == nullptr) {
    insert(db, key, Entry::make(key.text, {}, std::nullopt));
    word = locate(db, key);
  } else if (Entry* hidden = word->record();
             word->marked() && context_->expiry_role != ExpiryRole::kApply && expired(*hidden)) [[unlikely]] {
    // For find() it is not there, whatever it is.
    forget_fields(key, *hidden);
    replace_record(db, word, Entry::make(key.text, {}, std::nullopt));
    dispose(hidden);
  }
  const Entry::Writable result = Entry::writable(word->record(), size);
  word->replace(result.entry);
  return result.data;
}

bool Db::erase(const KeyRef& key) {
  SlotDb* db = keyspace_->slot(key.slot).find(index_.value);
  if (db == nullptr) return false;
  EntryTable::Word* word = locate(*db, key);
  if (word == nullptr) return false;
  if (context_->expiry_role == ExpiryRole::kPrimary && expired(*word->record())) {
    (void)find(key, Access::kWrite);  // goes by expiry, and is recorded as such
    return false;
  }
  remove_word(*db, key, word);
  return true;
}

bool Db::set_expiry(const KeyRef& key, std::optional<WallTime> expiry) {
  SlotDb* db = keyspace_->slot(key.slot).find(index_.value);
  EntryTable::Word* word = db == nullptr ? nullptr : locate(*db, key);
  if (word == nullptr) return false;
  keyspace_->before_change(index_, key);
  modified(key);
  Entry* old = word->record();
  if (expiry && old->has_expiry()) {
    old->set_expiry_in_place(*expiry);
    db->next_expiry_ms = std::min(db->next_expiry_ms, old->expiry_ms());
    return true;
  }
  if (!expiry && !old->has_expiry()) return true;
  replace_record(*db, word, Entry::rebuilt(old, expiry));
  return true;
}

OwnedValue Db::take(const KeyRef& key) {
  SlotDb* db = keyspace_->slot(key.slot).find(index_.value);
  EntryTable::Word* word = db == nullptr ? nullptr : locate(*db, key);
  ASH_CHECK(word != nullptr);
  keyspace_->before_change(index_, key);  // before the value leaves: a snapshot must see it
  forget_fields(key, *word->record());
  OwnedValue value = word->record()->take_value();
  remove_word(*db, key, word);
  return value;
}

std::int64_t Db::fields_from_ms() const noexcept {
  return context_->expiry_role == ExpiryRole::kApply ? kAllFields : unix_millis(context_->now);
}

bool Db::expire_fields(const KeyRef& key, Hash& hash, std::uint64_t most) {
  const std::int64_t now = unix_millis(context_->now);
  if (hash.next_expiry_ms() >= now || context_->expiry_role != ExpiryRole::kPrimary) [[likely]]
    return true;
  keyspace_->before_change(index_, key);
  std::vector<std::string> fields;
  while (hash.next_expiry_ms() < now && fields.size() < most) fields.push_back(hash.take_first_to_expire());
  if (context_->removals != nullptr) context_->removals->fields_removed(index_, key, fields);
  modified(key);
  notify(EventClass::kHash, "hexpired", key);
  if (!hash.empty()) return true;
  (void)erase(key);
  notify(EventClass::kGeneric, "del", key);
  return false;
}

void Db::plan_field_expiry(const KeyRef& key, Hash& hash) {
  const std::int64_t next = hash.next_expiry_ms();
  if (next >= hash.agenda_ms()) return;  // planned early enough, or nothing to plan
  Slot& slot = keyspace_->slot(key.slot);
  if (!slot.agenda) slot.agenda = std::make_unique<FieldAgenda>();
  if (hash.agenda_ms() != kNoExpiryMs) slot.agenda->remove(hash.agenda_ms(), index_.value, key.text);
  slot.agenda->add(next, index_.value, key.text);
  hash.set_agenda_ms(next);
}

void Db::dispose(Entry* entry) {
  if (Reclaimer* reclaimer = keyspace_->reclaimer(); reclaimer != nullptr && entry->slow_to_free()) [[unlikely]] {
    const std::uint64_t bytes = entry->memory_bytes();
    reclaimer->discard(entry->take_value(), bytes);
  }
  Entry::destroy(entry);
}

void Db::forget_fields(const KeyRef& key, Entry& entry) {
  Hash* hash = entry.collection<Hash>();
  if (hash == nullptr || hash->agenda_ms() == kNoExpiryMs) [[likely]]
    return;
  Slot& slot = keyspace_->slot(key.slot);
  slot.agenda->remove(hash->agenda_ms(), index_.value, key.text);
  if (slot.agenda->empty()) slot.agenda.reset();
  hash->set_agenda_ms(kNoExpiryMs);
}

}  // namespace ashlar::keyspace
