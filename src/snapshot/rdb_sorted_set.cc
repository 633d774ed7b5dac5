#include "keyspace/values/sorted_set.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::Owned;
using keyspace::SortedSet;

std::uint8_t sorted_set_type(const SortedSet& /*value*/) noexcept { return 0; }

bool reads_sorted_set(std::uint8_t /*type*/) noexcept { return false; }

void append_sorted_set(Chunk& /*out*/, const SortedSet& /*value*/, Compression /*compression*/) {}

Result<Owned<SortedSet>> read_sorted_set(RdbInput& input, std::uint8_t /*type*/) {
  return RdbInput::corrupt("a type that is not stored", input.offset());
}

}  // namespace ashlar::snapshot::rdb
