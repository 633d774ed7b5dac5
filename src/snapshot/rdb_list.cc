#include "keyspace/values/list.h"
#include "snapshot/rdb_values.h"

namespace ashlar::snapshot::rdb {

using keyspace::List;
using keyspace::Owned;

std::uint8_t list_type(const List& /*value*/) noexcept { return 0; }

bool reads_list(std::uint8_t /*type*/) noexcept { return false; }

void append_list(Chunk& /*out*/, const List& /*value*/, Compression /*compression*/) {}

Result<Owned<List>> read_list(RdbInput& input, std::uint8_t /*type*/) {
  return RdbInput::corrupt("a type that is not stored", input.offset());
}

}  // namespace ashlar::snapshot::rdb
