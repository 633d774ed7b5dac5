// Any bytes as a manifest: what is accepted must be written and read back as the same value.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aof/manifest.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  const auto manifest = aof::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (!manifest || (manifest->empty() && manifest->history.empty())) return 0;
  const auto again = aof::parse_manifest(aof::format_manifest(*manifest));
  // Quoting makes a line longer, perhaps longer than a line may be.
  ASH_CHECK(!again || *again == *manifest);
  return 0;
}
