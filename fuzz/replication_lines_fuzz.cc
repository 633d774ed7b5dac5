// What a primary and a replica say to each other before the data: any line is understood or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "replication/handshake.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::replication;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  static_cast<void>(parse_psync_answer(line));
  static_cast<void>(parse_transfer_header(line));
  const std::size_t blank = std::min(line.find(' '), line.size());
  static_cast<void>(parse_psync_request(line.substr(0, blank), line.substr(std::min(blank + 1, line.size()))));
  return 0;
}
