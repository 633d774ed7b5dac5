// Any bytes as the body of a RESTORE payload; the footer is made right, so that the content is reached. What restores
// must dump and restore to the same value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "snapshot/dump_payload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  const snapshot::RdbLimits limits{.string_bytes_max = 1 << 20};
  std::string body(reinterpret_cast<const char*>(data), size);
  (void)snapshot::restore_value(body, limits);
  snapshot::seal_payload(body);
  auto value = snapshot::restore_value(body, limits);
  if (!value) return 0;
  keyspace::Entry* entry = keyspace::Entry::make_owned("key", std::move(*value), std::nullopt);
  const std::string once = snapshot::dump_value(*entry);
  auto again = snapshot::restore_value(once, limits);
  ASH_CHECK(again.has_value());
  keyspace::Entry* twin = keyspace::Entry::make_owned("key", std::move(*again), std::nullopt);
  ASH_CHECK(snapshot::dump_value(*twin) == once);
  keyspace::Entry::destroy(entry);
  keyspace::Entry::destroy(twin);
  return 0;
}
