/// A set of strings: integers as a sorted array, few short members in a listpack, everything else in a table.
///
/// Encodings change as in Redis 7.2, by EncodingLimits, and never back. Thread: none of its own; reached only under the
/// slot's lock. Elements are given out as ds::PackedValue, an integer or bytes; they are valid until the next change.
/// Invariants (check_invariants()): members are distinct as texts; in an intset all are integers.
/// Cost: table O(1); intset O(log n) to find, O(n) bytes moved to change; listpack O(n), n by the limits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "keyspace/values/limits.h"
#include "keyspace/values/lookup_text.h"
#include "keyspace/values/member_table.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

using SetMember = LookupText;

class Set {
 public:
  /// Empty, as an intset.
  Set() = default;
  ~Set();
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<Set> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// Bytes of the members in its table; 0 of another encoding. O(1).
  [[nodiscard]] std::size_t record_bytes() const noexcept {
    const auto* table = std::get_if<Table>(&form_);
    return table != nullptr ? (*table)->record_bytes() : 0;
  }
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;

  /// Chooses the encoding when about `count` members are about to be added, `first` before the others. Changes no
  /// member.
  void expect(const SetMember& first, std::uint64_t count, const EncodingLimits& limits);
  /// False when it was there already.
  bool add(const SetMember& member, const EncodingLimits& limits);
  /// False when it was not there.
  bool erase(const SetMember& member);
  [[nodiscard]] bool contains(const SetMember& member) const;
  /// Becomes an intset if all members, which must be integers, fit one.
  void pack_integers(const EncodingLimits& limits);

  /// A member drawn at random; the set is not empty.
  [[nodiscard]] ds::PackedValue random(Rng& rng) const;
  /// Calls visit(const ds::PackedValue&) for `count` members drawn at random, any of which may come again; the set is
  /// not empty. Cost: O(count), and once O(size()) for a listpack.
  template <typename Visit>
  void draw(std::uint64_t count, Rng& rng, Visit&& visit) const;
  /// Calls visit(const ds::PackedValue&) for `count` different members drawn at random, or for all if there are fewer.
  /// Cost: O(count) for a few of a large table, else O(size()).
  template <typename Visit>
  void sample(std::uint64_t count, Rng& rng, Visit&& visit) const;

  /// Calls visit(const ds::PackedValue&) for every member; when visit returns bool, false ends the walk.
  template <typename Visit>
  void for_each(Visit&& visit) const;
  /// Calls visit(const ds::PackedValue&) for about `count` members from `position` on (all of a small set). Returns the
  /// next position, 0 at the end. A member that is there during a whole round is visited.
  template <typename Visit>
  [[nodiscard]] std::uint64_t scan(std::uint64_t position, std::uint64_t count, Visit&& visit) const;

  /// The intset if it is one, for storing it as it is.
  [[nodiscard]] const ds::Intset* intset() const noexcept { return std::get_if<ds::Intset>(&form_); }
  /// The listpack if it is one.
  [[nodiscard]] const ds::Listpack* listpack() const noexcept { return std::get_if<ds::Listpack>(&form_); }
  void check_invariants() const;

 private:
  using Table = std::unique_ptr<MemberTable>;

  [[nodiscard]] bool add_integer(std::int64_t value, const EncodingLimits& limits);
  void add_text_to_intset(const SetMember& member, const EncodingLimits& limits);
  void to_table();
  void to_listpack();
  /// Whether `count` members, drawn from a table by repeated tries, come cheaper than a walk.
  [[nodiscard]] bool few(std::uint64_t count) const noexcept { return count <= size() / 8; }

  std::variant<ds::Intset, ds::Listpack, Table> form_;
};

template <typename Visit>
void Set::for_each(Visit&& visit) const {
  if (const auto* table = std::get_if<Table>(&form_)) {
    constexpr std::uint64_t kBatch = 64;  // members behind the one that ends the walk which are looked at in vain
    bool on = true;
    std::uint64_t position = 0;
    do {
      position = (*table)->scan(position, kBatch, [&](std::string_view text) {
        on = on && detail::visit_goes_on(visit, ds::PackedValue(text));
      });
    } while (on && position != 0);
  } else if (const auto* packed = std::get_if<ds::Listpack>(&form_)) {
    for (const ds::PackedValue& value : packed->view()) {
      if (!detail::visit_goes_on(visit, value)) return;
    }
  } else {
    for (const std::int64_t value : std::get<ds::Intset>(form_)) {
      if (!detail::visit_goes_on(visit, ds::PackedValue(value))) return;
    }
  }
}

template <typename Visit>
std::uint64_t Set::scan(std::uint64_t position, std::uint64_t count, Visit&& visit) const {
  if (const auto* table = std::get_if<Table>(&form_)) {
    return (*table)->scan(position, count, [&](std::string_view text) { visit(ds::PackedValue(text)); });
  }
  for_each(visit);
  return 0;
}

template <typename Visit>
void Set::draw(std::uint64_t count, Rng& rng, Visit&& visit) const {
  std::vector<ds::PackedValue> members;  // of a listpack, where looking for one member means passing over others
  if (const auto* packed = listpack()) {
    for (const ds::PackedValue& value : packed->view()) members.push_back(value);
  }
  for (; count > 0; --count) visit(members.empty() ? random(rng) : members[rng.below(members.size())]);
}

template <typename Visit>
void Set::sample(std::uint64_t count, Rng& rng, Visit&& visit) const {
  const auto* table = std::get_if<Table>(&form_);
  if (table != nullptr && few(count)) {
    std::vector<std::string_view> drawn;  // a member is known by where it stands
    drawn.reserve(count);                 // count <= size() / 8
    while (drawn.size() < count) {
      drawn.push_back((*table)->random(rng));
      if (drawn.size() < count) continue;
      std::ranges::sort(drawn, {}, [](std::string_view v) { return v.data(); });
      const auto again = std::ranges::unique(drawn, {}, [](std::string_view v) { return v.data(); });
      drawn.erase(again.begin(), again.end());
    }
    for (const std::string_view member : drawn) visit(ds::PackedValue(member));
    return;
  }
  std::uint64_t left = size();
  std::uint64_t wanted = std::min(count, left);
  for_each([&](const ds::PackedValue& value) {
    if (wanted > 0 && rng.below(left) < wanted) {
      visit(value);
      --wanted;
    }
    --left;
    return wanted > 0;
  });
}

}  // namespace ashlar::keyspace
