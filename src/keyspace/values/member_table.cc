#include "keyspace/values/member_table.h"

#include "base/check.h"

namespace ashlar::keyspace {

MemberRecord* MemberRecord::build(void* memory, std::string_view member) noexcept {
  auto* record = static_cast<MemberRecord*>(memory);
  char* to = record->body();
  if (member.size() < kLong) {
    record->length_ = static_cast<std::uint8_t>(member.size());
  } else {
    record->length_ = kLong;
    const std::uint64_t n = member.size();
    std::memcpy(to, &n, sizeof n);
    to += sizeof n;
  }
  if (!member.empty()) std::memcpy(to, member.data(), member.size());
  return record;
}

MemberTable::~MemberTable() {
  if (heap_.large() == 0) return;
  table_.for_each([&](const Table::Word& word) {
    MemberRecord* record = word.record();
    if (ds::RecordHeap::is_large(record->bytes())) heap_.release(record, record->bytes());
  });
}

bool MemberTable::insert(std::string_view member, std::uint64_t hash) {
  if (find(member, hash) != nullptr) return false;
  void* memory = heap_.allocate(MemberRecord::bytes_for(member.size()));
  table_.insert(hash, MemberRecord::build(memory, member), false);
  return true;
}

bool MemberTable::erase(std::string_view member, std::uint64_t hash) {
  Table::Word* word = find(member, hash);
  if (word == nullptr) return false;
  MemberRecord* record = word->record();
  table_.erase(hash, word);
  heap_.release(record, record->bytes());
  if (heap_.sparse()) [[unlikely]]
    compact();
  return true;
}

void MemberTable::compact() {
  ds::RecordHeap fresh;
  table_.for_each([&](Table::Word& word) {
    const std::size_t bytes = word.record()->bytes();
    if (ds::RecordHeap::is_large(bytes)) return;
    word.replace(MemberRecord::build(fresh.allocate(bytes), word.record()->text()));
  });
  fresh.adopt_large(heap_);
  heap_.swap(fresh);
}

void MemberTable::check_invariants() const {
  table_.check_invariants();
  std::size_t bytes = 0;
  std::uint64_t large = 0;
  table_.for_each([&](const Table::Word& word) {
    const std::size_t n = word.record()->bytes();
    ds::RecordHeap::is_large(n) ? ++large : bytes += ds::RecordHeap::block_bytes(n);
  });
  ASH_CHECK(large == heap_.large());
  ASH_CHECK(large > 0 || bytes == heap_.live_bytes());
}

}  // namespace ashlar::keyspace
