#include "aof/rewrite_values.h"
#include "keyspace/values/sorted_set.h"

namespace ashlar::aof {

void append_sorted_set_commands(std::string& /*out*/, std::string_view /*key*/, const keyspace::SortedSet& /*value*/) {}

}  // namespace ashlar::aof
