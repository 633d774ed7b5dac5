// Any bytes as a ziplist from an old RDB file: what is accepted makes a well-formed listpack.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "snapshot/ziplist.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pack = ashlar::snapshot::listpack_of_ziplist({reinterpret_cast<const char*>(data), size});
  if (pack) pack->view().check_invariants();
  return 0;
}
