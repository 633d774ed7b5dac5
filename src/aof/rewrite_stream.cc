#include "aof/rewrite_values.h"
#include "keyspace/values/stream.h"

namespace ashlar::aof {

void append_stream_commands(std::string& /*out*/, std::string_view /*key*/, const keyspace::Stream& /*value*/) {}

}  // namespace ashlar::aof
