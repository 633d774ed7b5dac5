// Reply parser: any bytes, whole and cut in two, must give the same values and the same verdict.
// Libraries: ashlar_resp.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "resp/reply_reader.h"

namespace {

struct Outcome {
  std::vector<ashlar::resp::Value> values;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

void drain(ashlar::resp::ReplyReader& reader, Outcome& outcome) {
  for (;;) {
    auto value = reader.next();
    if (!value) {
      outcome.failed = true;
      return;
    }
    if (!*value) return;
    outcome.values.push_back(std::move(**value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::size_t cut = data[0] % size;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ashlar::resp::ReaderLimits limits{
      .max_bulk_bytes = 1 << 20, .max_elements = 1 << 20, .max_line_bytes = 1 << 16, .max_depth = 32};

  ashlar::resp::ReplyReader whole(limits);
  Outcome expected;
  whole.feed(bytes);
  drain(whole, expected);

  ashlar::resp::ReplyReader halves(limits);
  Outcome actual;
  halves.feed(bytes.substr(0, cut));
  drain(halves, actual);
  halves.feed(bytes.substr(cut));
  if (!actual.failed) drain(halves, actual);
  ASH_CHECK(actual == expected);
  return 0;
}
