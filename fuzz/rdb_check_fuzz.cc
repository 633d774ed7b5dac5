// Any bytes as an RDB file to be checked: the checker ends, tells no control characters, and never reads beyond the
// end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "snapshot/rdb_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  snapshot::StringSource source(bytes);
  const auto length =
      snapshot::check_rdb(source, "dump.rdb", WallTime(Seconds(1'700'000'000)), [](std::string_view line) {
        for (const char c : line) ASH_CHECK(c == '\n' || (c >= 0x20 && c < 0x7f));
      });
  ASH_CHECK(!length || *length <= size);
  return 0;
}
