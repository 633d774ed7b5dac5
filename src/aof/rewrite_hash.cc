#include "aof/rewrite_values.h"
#include "keyspace/values/hash.h"

namespace ashlar::aof {

void append_hash_commands(std::string& /*out*/, std::string_view /*key*/, const keyspace::Hash& /*value*/) {}

}  // namespace ashlar::aof
