// Any bytes as an RDB stream: read with and without the checksum, then loaded into a key space.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "snapshot/rdb_load.h"

namespace {

using ashlar::DbIndex;
using ashlar::Result;

class Ignore final : public ashlar::snapshot::RdbVisitor {
 public:
  Result<void> entry(DbIndex, std::string_view, ashlar::keyspace::OwnedValue,
                     const ashlar::snapshot::EntryExtras&) override {
    return {};
  }
  Result<void> function(std::string_view) override { return {}; }
  void warning(std::string_view) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const snapshot::RdbLimits limits{.string_bytes_max = 1 << 20};
  Ignore visitor;
  snapshot::StringSource source(bytes);
  snapshot::RdbReader reader(source, visitor, limits);
  const bool valid = reader.read(snapshot::Checksum::kNone).has_value();
  if (!valid) return 0;
  keyspace::Keyspace keys(16);
  snapshot::StringSource again(bytes);
  (void)snapshot::load_rdb(
      keys, again, {.now = WallTime(Seconds(1'700'000'000)), .checksum = snapshot::Checksum::kNone, .limits = limits});
  return 0;
}
