/// The argument notation of command specs, with arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "command/syntax.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)ashlar::command::parse_syntax({reinterpret_cast<const char*>(data), size});
  return 0;
}
