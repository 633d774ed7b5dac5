#include "aof/rewrite_values.h"
#include "keyspace/values/list.h"

namespace ashlar::aof {

void append_list_commands(std::string& /*out*/, std::string_view /*key*/, const keyspace::List& /*value*/) {}

}  // namespace ashlar::aof
