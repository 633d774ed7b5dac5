#include "keyspace/values/stream.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::Stream;

std::uint8_t stream_type(const Stream& /*value*/) noexcept { return 0; }

bool reads_stream(std::uint8_t /*type*/) noexcept { return false; }

void append_stream(Chunk& /*out*/, const Stream& /*value*/, Compression /*compression*/) {}

Result<Owned<Stream>> read_stream(RdbInput& input, std::uint8_t /*type*/) {
  return RdbInput::corrupt("a type that is not stored", input.offset());
}

}  // namespace ashlar::snapshot::rdb
