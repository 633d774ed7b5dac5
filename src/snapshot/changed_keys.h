/// Names of keys that have changed since a point in time. Thread: one at a time. Cost: a hash set of copied names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/ids.h"

namespace ashlar::snapshot {

class ChangedKeys {
 public:
  /// False when it was there already. `hash` is that of the key.
  bool add(DbIndex db, std::string_view key, std::uint64_t hash) {
    if (has(db, key, hash)) return false;
    names_.insert(Name{hash, db.value, std::string(key)});
    return true;
  }
  [[nodiscard]] bool has(DbIndex db, std::string_view key, std::uint64_t hash) const {
    return names_.contains(View{hash, db.value, key});
  }

 private:
  template <typename Text>
  struct Of {
    std::uint64_t hash;
    std::uint32_t db;
    Text key;
  };
  using Name = Of<std::string>;
  using View = Of<std::string_view>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const auto& name) const noexcept { return name.hash; }
  };
  struct Same {
    using is_transparent = void;
    bool operator()(const auto& a, const auto& b) const noexcept { return a.db == b.db && a.key == b.key; }
  };
  std::unordered_set<Name, Hash, Same> names_;
};

}  // namespace ashlar::snapshot
