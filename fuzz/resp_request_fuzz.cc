/// Any bytes as the requests of a client: the same commands and the same error however the bytes are cut into pieces.
/// The first byte chooses the limits and the size of the pieces. Libraries: ashlar_resp.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "resp/request_parser.h"

namespace {

using namespace ashlar::resp;

struct Outcome {
  std::vector<std::vector<std::string>> commands;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome run(std::string_view bytes, std::size_t piece, const Limits& limits) {
  Outcome outcome;
  RequestParser parser;
  CommandBatch batch;
  std::string unread;
  while (!bytes.empty()) {
    const std::string_view arrived = bytes.substr(0, piece);
    bytes.remove_prefix(arrived.size());
    unread.append(arrived);
    while (true) {
      const std::string input = unread;  // an allocation of its own, so that reading past the end is seen
      const Parsed parsed = parser.parse(input, limits, 5, batch);
      ASH_CHECK(parsed.consumed <= input.size());
      for (std::size_t i = 0; i < batch.size(); ++i) {
        ASH_CHECK(!batch[i].empty() && batch[i].size() <= limits.max_args + Limits::kMaxLine);
        outcome.commands.emplace_back(batch[i].begin(), batch[i].end());
      }
      unread.erase(0, parsed.consumed);
      if (parsed.status == ParseStatus::kNeedMore) break;
      if (parsed.status == ParseStatus::kError) {
        outcome.error = parser.error();
        ASH_CHECK(!outcome.error.empty());
        return outcome;
      }
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Limits limits;
  if ((data[0] & 0x80) != 0) limits = {.max_bulk_len = 64, .max_args = 8, .login = Login::kUnauthenticated};
  const Outcome whole = run(bytes, bytes.size() + 1, limits);
  ASH_CHECK(run(bytes, 1 + (data[0] & 0x7f), limits) == whole);
  return 0;
}
