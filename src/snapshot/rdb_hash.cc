#include "keyspace/values/hash.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Hash;
using keyspace::Owned;

std::uint8_t hash_type(const Hash& /*value*/) noexcept { return 0; }

bool reads_hash(std::uint8_t /*type*/) noexcept { return false; }

void append_hash(Chunk& /*out*/, const Hash& /*value*/, Compression /*compression*/) {}

Result<Owned<Hash>> read_hash(RdbInput& input, std::uint8_t /*type*/) {
  return RdbInput::corrupt("a type that is not stored", input.offset());
}

}  // namespace ashlar::snapshot::rdb
