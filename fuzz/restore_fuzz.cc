// Any bytes as the body of a RESTORE payload; the footer is made right, so that the content is reached. What restores
// must dump and restore to the same value.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "snapshot/dump_payload.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  constexpr snapshot::RdbLimits kLimits{.string_bytes_max = 1 << 20};
  std::string body(reinterpret_cast<const char*>(data), size);
  (void)snapshot::restore_value(body, kLimits);
  snapshot::seal_payload(body);
  const auto value = snapshot::restore_value(body, kLimits);
  if (!value) return 0;
  keyspace::Entry* entry = keyspace::Entry::make_owned("key", *value, std::nullopt);
  const auto again = snapshot::restore_value(snapshot::dump_value(*entry), kLimits);
  ASH_CHECK(again.has_value());
  keyspace::Entry* twin = keyspace::Entry::make_owned("key", *again, std::nullopt);
  DecimalBuffer a;
  DecimalBuffer b;
  ASH_CHECK(entry->text(a) == twin->text(b));
  keyspace::Entry::destroy(entry);
  keyspace::Entry::destroy(twin);
  return 0;
}
