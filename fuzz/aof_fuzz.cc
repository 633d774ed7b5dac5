// Any bytes as an append-only file: every command that is read must be written back as the same bytes.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aof/command_format.h"
#include "aof/command_reader.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  snapshot::StringSource source(bytes);
  aof::CommandReader reader(source, 0, {.argument_bytes_max = 1 << 20});
  for (;;) {
    const auto next = reader.next();
    if (!next || *next != aof::CommandReader::Next::kCommand) {
      ASH_CHECK(!next || reader.record_offset() <= size);
      return 0;
    }
    std::string again;
    aof::append_command(again, reader.args());
    ASH_CHECK(bytes.substr(reader.record_offset()).starts_with(again));
  }
}
