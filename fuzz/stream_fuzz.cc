// Any bytes as a stream in RDB form, as RESTORE and files bring it: the first byte chooses the type code. What loads
// keeps all invariants and reads back, from its own encoding, to the same bytes.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "keyspace/values/stream.h"
#include "snapshot/byte_stream.h"
#include "snapshot/rdb_values.h"

namespace {

using namespace ashlar;

std::string encoded(const keyspace::Stream& stream) {
  snapshot::Chunk chunk;
  snapshot::rdb::append_stream(chunk, stream, snapshot::Compression::kNone);
  std::string out;
  snapshot::rdb::pack(chunk, snapshot::Compression::kNone, out);
  return out;
}

Result<keyspace::Owned<keyspace::Stream>> decoded(std::string_view bytes, std::uint8_t type) {
  constexpr std::uint64_t kStringMax = 1 << 20;
  const snapshot::RdbLimits limits{.string_bytes_max = kStringMax, .encoding = {}};
  snapshot::StringSource source(bytes);
  snapshot::RdbInput input(source, limits);
  return snapshot::rdb::read_stream(input, type);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::uint8_t, 3> kTypes = {15, 19, 21};
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto stream = decoded(bytes, kTypes[data[0] % kTypes.size()]);
  if (!stream) return 0;
  (*stream)->check_invariants();
  (*stream)->clone()->check_invariants();
  const std::string once = encoded(**stream);
  const auto again = decoded(once, snapshot::rdb::stream_type(**stream));
  ASH_CHECK(again.has_value());
  ASH_CHECK(encoded(**again) == once);
  return 0;
}
