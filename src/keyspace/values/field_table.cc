#include "keyspace/values/field_table.h"

#include <algorithm>

#include "base/check.h"

namespace ashlar::keyspace {
namespace {

constexpr std::size_t kShortMax = 255;

}  // namespace

void FieldRecord::put_length(std::size_t offset, std::uint8_t long_flag, std::size_t size) noexcept {
  if ((flags_ & long_flag) == 0) {
    bytes()[offset] = static_cast<char>(size);
  } else {
    const auto n = static_cast<std::uint32_t>(size);
    std::memcpy(bytes() + offset, &n, sizeof n);
  }
}

std::uint8_t FieldRecord::flags_for(std::string_view field, std::string_view value, std::int64_t expiry_ms) noexcept {
  return static_cast<std::uint8_t>((expiry_ms != kNoExpiryMs ? kHasExpiry : 0) |
                                   (field.size() > kShortMax ? kLongField : 0) |
                                   (value.size() > kShortMax ? kLongValue : 0));
}

std::size_t FieldRecord::bytes_for(std::string_view field, std::string_view value, std::int64_t expiry_ms) noexcept {
  FieldRecord shape;
  shape.flags_ = flags_for(field, value, expiry_ms);
  return shape.body_offset() + field.size() + value.size();
}

FieldRecord* FieldRecord::build(void* memory, std::string_view field, std::string_view value,
                                std::int64_t expiry_ms) noexcept {
  constexpr std::size_t kBytesMax = std::numeric_limits<std::uint32_t>::max();
  ASH_CHECK(field.size() <= kBytesMax && value.size() <= kBytesMax);
  auto* record = static_cast<FieldRecord*>(memory);
  record->flags_ = flags_for(field, value, expiry_ms);
  record->put_length(1, kLongField, field.size());
  record->put_length(record->value_length_offset(), kLongValue, value.size());
  if (record->has_expiry()) record->set_expiry_in_place(expiry_ms);
  char* to = record->bytes() + record->body_offset();
  if (!field.empty()) std::memcpy(to, field.data(), field.size());
  if (!value.empty()) std::memcpy(to + field.size(), value.data(), value.size());
  return record;
}

bool FieldRecord::assign_in_place(std::string_view value) noexcept {
  if ((value.size() > kShortMax) != ((flags_ & kLongValue) != 0)) return false;
  const std::size_t head = body_offset() + field_size();
  const std::size_t size = head + value.size();
  // A large record is given back by its exact size, so only a small one may change it.
  const bool same = ds::RecordHeap::is_large(size)
                        ? size == size_bytes()
                        : !ds::RecordHeap::is_large(size_bytes()) &&
                              ds::RecordHeap::block_bytes(size) == ds::RecordHeap::block_bytes(size_bytes());
  if (!same) return false;
  put_length(value_length_offset(), kLongValue, value.size());
  if (!value.empty()) std::memmove(bytes() + head, value.data(), value.size());
  return true;
}

FieldTable::~FieldTable() {
  if (heap_.large() == 0) return;
  table_.for_each([&](const Table::Word& word) {
    const std::size_t bytes = word.record()->size_bytes();
    if (ds::RecordHeap::is_large(bytes)) heap_.release(word.record(), bytes);
  });
}

FieldRecord* FieldTable::make(std::string_view field, std::string_view value, std::int64_t expiry_ms) {
  return FieldRecord::build(heap_.allocate(FieldRecord::bytes_for(field, value, expiry_ms)), field, value, expiry_ms);
}

void FieldTable::compact() {
  ds::RecordHeap fresh;
  index_.reset();
  next_expiry_ms_ = kNoExpiryMs;
  table_.for_each([&](Table::Word& word) {
    const std::size_t bytes = word.record()->size_bytes();
    if (!ds::RecordHeap::is_large(bytes)) {
      void* to = fresh.allocate(bytes);
      std::memcpy(to, static_cast<const void*>(word.record()), bytes);
      word.replace(static_cast<FieldRecord*>(to));
    }
    if (word.marked()) enter(*word.record());
  });
  fresh.adopt_large(heap_);
  heap_.swap(fresh);
}

void FieldTable::enter(const FieldRecord& record) {
  if (!index_) index_ = std::make_unique<Index>();
  const std::int64_t ms = record.expiry_ms();
  index_->insert(Due{ms, reinterpret_cast<std::uintptr_t>(&record)}, {});
  if (ms < next_expiry_ms_) next_expiry_ms_ = ms;
}

void FieldTable::leave(const FieldRecord& record) {
  ASH_CHECK(index_->erase(Due{record.expiry_ms(), reinterpret_cast<std::uintptr_t>(&record)}));
  const auto first = index_->first();
  next_expiry_ms_ = first.valid() ? first.key().ms : kNoExpiryMs;
  if (!first.valid()) index_.reset();
}

const FieldRecord& FieldTable::first_to_expire() const noexcept {
  return *reinterpret_cast<const FieldRecord*>(index_->first().key().record);
}

void FieldTable::replace(Table::Word& word, FieldRecord* fresh) {
  FieldRecord* old = word.record();
  if (old->has_expiry()) leave(*old);
  word.replace(fresh);
  fresh->has_expiry() ? word.mark() : word.unmark();
  if (fresh->has_expiry()) enter(*fresh);
  heap_.release(old, old->size_bytes());
}

bool FieldTable::set(std::string_view field, std::uint64_t hash, std::string_view value, std::int64_t expiry_ms) {
  Table::Word* word = locate(field, hash);
  if (word == nullptr) {
    FieldRecord* record = make(field, value, expiry_ms);
    table_.insert(hash, record, record->has_expiry());
    if (record->has_expiry()) enter(*record);
    return true;
  }
  if (word->record()->expiry_ms() != expiry_ms || !word->record()->assign_in_place(value)) {
    replace(*word, make(field, value, expiry_ms));
  }
  return false;
}

bool FieldTable::set_expiry(std::string_view field, std::uint64_t hash, std::int64_t expiry_ms) {
  Table::Word* word = locate(field, hash);
  if (word == nullptr) return false;
  FieldRecord* record = word->record();
  if (record->expiry_ms() == expiry_ms) return true;
  if (record->has_expiry() && expiry_ms != kNoExpiryMs) {
    leave(*record);
    record->set_expiry_in_place(expiry_ms);
    enter(*record);
  } else {
    replace(*word, make(record->field(), record->value(), expiry_ms));
  }
  return true;
}

bool FieldTable::erase(std::string_view field, std::uint64_t hash) {
  Table::Word* word = locate(field, hash);
  if (word == nullptr) return false;
  FieldRecord* record = word->record();
  if (record->has_expiry()) leave(*record);
  table_.erase(hash, word);
  heap_.release(record, record->size_bytes());
  if (heap_.sparse()) [[unlikely]]
    compact();
  return true;
}

std::size_t FieldTable::memory_bytes() const {
  return sizeof *this + table_.memory_bytes() + heap_.memory_bytes() +
         (index_ ? sizeof(Index) + index_->memory_bytes() : 0);
}

void FieldTable::check_invariants() const {
  table_.check_invariants();
  std::size_t bytes = 0;
  std::uint64_t large = 0;
  std::uint64_t expiring = 0;
  std::int64_t next = kNoExpiryMs;
  table_.for_each([&](const Table::Word& word) {
    const FieldRecord& record = *word.record();
    const std::size_t n = record.size_bytes();
    ds::RecordHeap::is_large(n) ? ++large : bytes += ds::RecordHeap::block_bytes(n);
    ASH_CHECK(word.marked() == record.has_expiry());
    if (!record.has_expiry()) return;
    ++expiring;
    next = std::min(next, record.expiry_ms());
    ASH_CHECK(index_->find(Due{record.expiry_ms(), reinterpret_cast<std::uintptr_t>(&record)}) != nullptr);
  });
  ASH_CHECK(large == heap_.large());
  ASH_CHECK(large > 0 || bytes == heap_.live_bytes());
  ASH_CHECK(expiring == this->expiring());
  ASH_CHECK(next == next_expiry_ms_);
}

}  // namespace ashlar::keyspace
