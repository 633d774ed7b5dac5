// Any bytes as an append-only file to be checked: what the checker calls good, the loader's reader reads to its end.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aof/check_scanner.h"
#include "aof/command_reader.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar;
  using Found = aof::CheckScanner::Found;
  using Next = aof::CommandReader::Next;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  snapshot::StringSource source(bytes);
  aof::CheckScanner scanner(source, 0, "a.aof");
  auto found = scanner.next();
  for (; found && *found == Found::kRecord; found = scanner.next()) {
  }
  ASH_CHECK(found.has_value() && scanner.good_until() <= size);
  ASH_CHECK(*found == Found::kWrong || scanner.good_until() == size || !scanner.wrong().empty());
  snapshot::StringSource again(bytes.substr(0, scanner.good_until()));
  aof::CommandReader reader(again, 0, {.argument_bytes_max = 1ULL << 40});
  auto next = reader.next();
  while (next && *next == Next::kCommand) next = reader.next();
  ASH_CHECK(next.has_value() && *next == Next::kEnd);
  return 0;
}
