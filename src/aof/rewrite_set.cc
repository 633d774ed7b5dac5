#include "aof/rewrite_values.h"
#include "keyspace/values/set.h"

namespace ashlar::aof {

void append_set_commands(std::string& /*out*/, std::string_view /*key*/, const keyspace::Set& /*value*/) {}

}  // namespace ashlar::aof
