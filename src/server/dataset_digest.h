/// DEBUG DIGEST: one number for the whole dataset, whatever the order in which it lies in memory; equal datasets of
/// Redis and of this server give the same. Thread: the holder of the locks of what is read.
/// Source: DEBUG DIGEST of Redis 7; docs/formats/dataset-digest.md.
#pragma once

#include <string>
#include <string_view>

#include "base/digest.h"
#include "keyspace/keyspace.h"

namespace ashlar::server {

/// Folds parts into a digest, either where their order matters or where it does not.
class DatasetDigest {
 public:
  /// A part that may stand anywhere: exclusive-or of its SHA-1.
  void add_unordered(std::string_view bytes) noexcept { combine(sha1(bytes)); }
  /// A part whose place matters.
  void add_ordered(std::string_view bytes) noexcept;
  void combine(const Sha1& other) noexcept;
  [[nodiscard]] const Sha1& value() const noexcept { return value_; }
  [[nodiscard]] std::string hex() const;

 private:
  Sha1 value_{};
};

/// Folds type, content and expiry of a value into `digest`.
void add_value(DatasetDigest& digest, const keyspace::Entry& entry);

/// The digest of all databases. Only inside an Exclusive section.
[[nodiscard]] std::string dataset_digest(keyspace::Keyspace& keyspace);

}  // namespace ashlar::server
