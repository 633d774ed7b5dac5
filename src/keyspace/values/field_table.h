/// The fields of a large hash, or of one whose fields have expiries: a record for each
/// field with its value in a heap of the table's own.
///
///     record: flags (1) | field length (1; or 4) | value length (1; or 4) | [expiry 8] | field | value
///
/// A marked word of the table has an expiry; such fields are also in an index ordered by time. Thread: none of its own.
/// Invariants (check_invariants()):
///   1. No two fields are equal.
///   2. The index holds exactly the fields with an expiry.
/// Cost: that of ds::DenseTable; a value that needs a block of the same size is overwritten in place; O(log n) for
/// expiries; a table of which most fields have been removed copies the rest once.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string_view>

#include "ds/dense_table.h"
#include "ds/ordered_map.h"
#include "ds/record_heap.h"
#include "ds/seeded_hash.h"

namespace ashlar::keyspace {

/// Unix milliseconds of an expiry that there is not.
inline constexpr std::int64_t kNoExpiryMs = std::numeric_limits<std::int64_t>::max();

/// One field with its value as they stand in memory.
class FieldRecord {
 public:
  /// Bytes of a record; field and value of less than 4 GiB each.
  [[nodiscard]] static std::size_t bytes_for(std::string_view field, std::string_view value,
                                             std::int64_t expiry_ms) noexcept;
  /// Writes a record to bytes_for() bytes of memory.
  static FieldRecord* build(void* memory, std::string_view field, std::string_view value,
                            std::int64_t expiry_ms) noexcept;

  [[nodiscard]] std::string_view field() const noexcept { return {bytes() + body_offset(), field_size()}; }
  [[nodiscard]] std::string_view value() const noexcept {
    return {bytes() + body_offset() + field_size(), value_size()};
  }
  [[nodiscard]] bool has_expiry() const noexcept { return (flags_ & kHasExpiry) != 0; }
  /// kNoExpiryMs when there is none.
  [[nodiscard]] std::int64_t expiry_ms() const noexcept {
    if (!has_expiry()) return kNoExpiryMs;
    std::int64_t ms = 0;
    std::memcpy(&ms, bytes() + lengths_end(), sizeof ms);
    return ms;
  }
  /// Overwrites the value where it needs a block of the same size; false leaves the record as it was.
  [[nodiscard]] bool assign_in_place(std::string_view value) noexcept;
  /// Only when has_expiry().
  void set_expiry_in_place(std::int64_t ms) noexcept { std::memcpy(bytes() + lengths_end(), &ms, sizeof ms); }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return body_offset() + field_size() + value_size(); }

 private:
  static constexpr std::uint8_t kHasExpiry = 1;
  static constexpr std::uint8_t kLongField = 2;
  static constexpr std::uint8_t kLongValue = 4;

  [[nodiscard]] char* bytes() noexcept { return reinterpret_cast<char*>(this); }
  [[nodiscard]] const char* bytes() const noexcept { return reinterpret_cast<const char*>(this); }
  [[nodiscard]] std::size_t length_at(std::size_t offset, std::uint8_t long_flag) const noexcept {
    if ((flags_ & long_flag) == 0) [[likely]]
      return static_cast<std::uint8_t>(bytes()[offset]);
    std::uint32_t n = 0;
    std::memcpy(&n, bytes() + offset, sizeof n);
    return n;
  }
  [[nodiscard]] static std::uint8_t flags_for(std::string_view field, std::string_view value,
                                              std::int64_t expiry_ms) noexcept;
  void put_length(std::size_t offset, std::uint8_t long_flag, std::size_t size) noexcept;
  [[nodiscard]] std::size_t value_length_offset() const noexcept { return (flags_ & kLongField) == 0 ? 2 : 5; }
  [[nodiscard]] std::size_t lengths_end() const noexcept {
    return value_length_offset() + ((flags_ & kLongValue) == 0 ? 1 : 4);
  }
  [[nodiscard]] std::size_t body_offset() const noexcept { return lengths_end() + (has_expiry() ? 8 : 0); }
  [[nodiscard]] std::size_t field_size() const noexcept { return length_at(1, kLongField); }
  [[nodiscard]] std::size_t value_size() const noexcept { return length_at(value_length_offset(), kLongValue); }

  std::uint8_t flags_;
};

class FieldTable {
 public:
  FieldTable() noexcept = default;
  FieldTable(const FieldTable&) = delete;
  FieldTable& operator=(const FieldTable&) = delete;
  ~FieldTable();

  [[nodiscard]] std::uint64_t size() const noexcept { return table_.size(); }
  /// nullptr when there is none. Valid until the next change.
  [[nodiscard]] const FieldRecord* find(std::string_view field, std::uint64_t hash) const {
    const Table::Word* word = locate(field, hash);
    return word == nullptr ? nullptr : word->record();
  }
  /// Sets value and expiry (kNoExpiryMs: none). True when the field is new.
  bool set(std::string_view field, std::uint64_t hash, std::string_view value, std::int64_t expiry_ms);
  /// False when there is no such field.
  bool set_expiry(std::string_view field, std::uint64_t hash, std::int64_t expiry_ms);
  /// False when there is no such field.
  bool erase(std::string_view field, std::uint64_t hash);
  /// Some field, close to uniformly drawn; the table is not empty.
  [[nodiscard]] const FieldRecord& random(Rng& rng) const { return *table_.random(rng)->record(); }

  /// The earliest expiry of a field, or kNoExpiryMs.
  [[nodiscard]] std::int64_t next_expiry_ms() const noexcept { return next_expiry_ms_; }
  /// The field that expires first; only when there is one.
  [[nodiscard]] const FieldRecord& first_to_expire() const noexcept;
  [[nodiscard]] std::uint64_t expiring() const noexcept { return index_ ? index_->size() : 0; }

  /// Calls visit(const FieldRecord&) for every field.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    table_.for_each([&](const Table::Word& word) { visit(*word.record()); });
  }
  /// As ds::DenseTable::scan(), with visit(const FieldRecord&).
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t at_least, Visit&& visit) const {
    return table_.scan(position, at_least, [&](const Table::Word& word) { visit(*word.record()); });
  }
  /// Bytes of all fields and values as they are kept. O(1).
  [[nodiscard]] std::size_t record_bytes() const noexcept { return heap_.live_bytes(); }
  /// Bytes allocated, this object included. O(fields / 300).
  [[nodiscard]] std::size_t memory_bytes() const;
  void check_invariants() const;

 private:
  struct Traits {
    static std::uint64_t hash(const FieldRecord& record) { return ds::seeded_hash(record.field()); }
  };
  using Table = ds::DenseTable<FieldRecord, Traits>;
  struct Due {
    std::int64_t ms = 0;
    std::uintptr_t record = 0;
    auto operator<=>(const Due&) const noexcept = default;
  };
  using Index = ds::OrderedMap<Due, ds::NoValue>;

  [[nodiscard]] Table::Word* locate(std::string_view field, std::uint64_t hash) const {
    return table_.find(hash, [&](const FieldRecord& record) { return record.field() == field; });
  }
  void replace(Table::Word& word, FieldRecord* fresh);
  [[nodiscard]] FieldRecord* make(std::string_view field, std::string_view value, std::int64_t expiry_ms);
  void enter(const FieldRecord& record);
  void leave(const FieldRecord& record);
  void compact();

  Table table_;
  ds::RecordHeap heap_;
  std::unique_ptr<Index> index_;  // made with the first expiry
  std::int64_t next_expiry_ms_ = kNoExpiryMs;
};

}  // namespace ashlar::keyspace
