/// The members of a large set: a record for each in a heap of the table's own, found through a dense table.
///
///     record: length (1; or 255 and 8 more bytes) | bytes
///
/// Thread: none of its own. Invariant: no two members are equal. Cost: that of ds::DenseTable; a table of which most
/// members have been removed copies the rest once. A member of 16 bytes takes 20 + 10 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "ds/dense_table.h"
#include "ds/record_heap.h"
#include "ds/seeded_hash.h"

namespace ashlar::keyspace {

/// One member as it stands in memory.
class MemberRecord {
 public:
  [[nodiscard]] static std::size_t bytes_for(std::size_t size) noexcept {
    return 1 + (size < kLong ? 0 : sizeof(std::uint64_t)) + size;
  }
  /// Writes a record to bytes_for() bytes of memory.
  static MemberRecord* build(void* memory, std::string_view member) noexcept;

  [[nodiscard]] std::string_view text() const noexcept {
    if (length_ != kLong) [[likely]]
      return {body(), length_};
    std::uint64_t n = 0;
    std::memcpy(&n, body(), sizeof n);
    return {body() + sizeof n, n};
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_for(text().size()); }

 private:
  static constexpr std::uint8_t kLong = 255;
  [[nodiscard]] const char* body() const noexcept { return reinterpret_cast<const char*>(this) + 1; }
  [[nodiscard]] char* body() noexcept { return reinterpret_cast<char*>(this) + 1; }

  std::uint8_t length_;
};

class MemberTable {
 public:
  MemberTable() noexcept = default;
  MemberTable(const MemberTable&) = delete;
  MemberTable& operator=(const MemberTable&) = delete;
  ~MemberTable();

  [[nodiscard]] std::uint64_t size() const noexcept { return table_.size(); }
  [[nodiscard]] bool contains(std::string_view member, std::uint64_t hash) const {
    return find(member, hash) != nullptr;
  }
  /// False when it was there already.
  bool insert(std::string_view member, std::uint64_t hash);
  /// False when it was not there.
  bool erase(std::string_view member, std::uint64_t hash);
  /// Some member, close to uniformly drawn; the table is not empty. Valid until the next change.
  [[nodiscard]] std::string_view random(Rng& rng) const { return table_.random(rng)->record()->text(); }

  /// Calls visit(std::string_view) for every member.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    table_.for_each([&](const Table::Word& word) { visit(word.record()->text()); });
  }
  /// As ds::DenseTable::scan(), with visit(std::string_view).
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t at_least, Visit&& visit) const {
    return table_.scan(position, at_least, [&](const Table::Word& word) { visit(word.record()->text()); });
  }
  /// Bytes of all members as they are kept. O(1).
  [[nodiscard]] std::size_t record_bytes() const noexcept { return heap_.live_bytes(); }
  /// Bytes allocated, this object included. O(members / 300).
  [[nodiscard]] std::size_t memory_bytes() const { return sizeof *this + table_.memory_bytes() + heap_.memory_bytes(); }
  void check_invariants() const;

 private:
  struct Traits {
    static std::uint64_t hash(const MemberRecord& record) { return ds::seeded_hash(record.text()); }
  };
  using Table = ds::DenseTable<MemberRecord, Traits>;

  [[nodiscard]] Table::Word* find(std::string_view member, std::uint64_t hash) const {
    return table_.find(hash, [&](const MemberRecord& record) { return record.text() == member; });
  }

  void compact();

  Table table_;
  ds::RecordHeap heap_;
};

}  // namespace ashlar::keyspace
