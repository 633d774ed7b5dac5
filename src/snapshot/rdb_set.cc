#include "keyspace/values/set.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::Set;

std::uint8_t set_type(const Set& /*value*/) noexcept { return 0; }

bool reads_set(std::uint8_t /*type*/) noexcept { return false; }

void append_set(Chunk& /*out*/, const Set& /*value*/, Compression /*compression*/) {}

Result<Owned<Set>> read_set(RdbInput& input, std::uint8_t /*type*/) {
  return RdbInput::corrupt("a type that is not stored", input.offset());
}

}  // namespace ashlar::snapshot::rdb
