/// Members with scores, in the order of both.
/// Thread: none of its own; reached only under the slot's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyspace/values/limits.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

class SortedSet {
 public:
  SortedSet() noexcept = default;
  ~SortedSet();
  SortedSet(const SortedSet&) = delete;
  SortedSet& operator=(const SortedSet&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<SortedSet> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;
};

}  // namespace ashlar::keyspace
