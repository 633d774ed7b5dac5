/// An append-only log of entries with consumer groups.
/// Thread: none of its own; reached only under the slot's lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "keyspace/values/limits.h"
#include "keyspace/values/value.h"

namespace ashlar::keyspace {

class Stream {
 public:
  Stream() noexcept = default;
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] Owned<Stream> clone() const;
  /// Bytes allocated, this object included.
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
  /// What OBJECT ENCODING replies.
  [[nodiscard]] std::string_view encoding_name() const noexcept;
};

}  // namespace ashlar::keyspace
