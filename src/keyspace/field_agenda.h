/// Which hashes of a slot have fields that expire, ordered by when that may next happen. A slot without such hashes has
/// no agenda. Thread: under the slot's lock. Invariants: a hash is in it at most once, under its agenda_ms(), which is
/// not after its next_expiry_ms(). Cost: O(log n), a small allocation for each hash.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

namespace ashlar::keyspace {

class FieldAgenda {
 public:
  struct Item {
    std::int64_t ms;
    std::uint32_t db;
    std::string key;
    bool operator<(const Item& other) const noexcept {
      return std::tie(ms, db, key) < std::tie(other.ms, other.db, other.key);
    }
  };

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  /// Whether some field's time may be before `now_ms`.
  [[nodiscard]] bool due(std::int64_t now_ms) const noexcept { return !empty() && first().ms < now_ms; }
  /// The item that is due first; only when not empty(). Valid until it is removed.
  [[nodiscard]] const Item& first() const noexcept { return *items_.begin(); }
  void add(std::int64_t ms, std::uint32_t db, std::string_view key) { items_.insert({ms, db, std::string(key)}); }
  void remove(std::int64_t ms, std::uint32_t db, std::string_view key) { items_.erase({ms, db, std::string(key)}); }

  /// Forgets the hashes of a database.
  void remove_all(std::uint32_t db) {
    std::erase_if(items_, [&](const Item& item) { return item.db == db; });
  }
  /// Exchanges two databases.
  void swap(std::uint32_t a, std::uint32_t b) {
    std::set<Item> moved;
    while (!items_.empty()) {
      auto node = items_.extract(items_.begin());
      if (node.value().db == a) {
        node.value().db = b;
      } else if (node.value().db == b) {
        node.value().db = a;
      }
      moved.insert(std::move(node));
    }
    items_.swap(moved);
  }

 private:
  std::set<Item> items_;
};

}  // namespace ashlar::keyspace
