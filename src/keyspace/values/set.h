/// A set of strings.
/// Thread: none of its own; reached only under the slot's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyspace/values/limits.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

class Set {
 public:
  Set() noexcept = default;
  ~Set();
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<Set> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;
};

}  // namespace ashlar::keyspace
