/// DEBUG PROTOCOL: an example of each type of the protocol. Thread: any.
#pragma once

#include <string_view>

#include "command/context.h"

namespace ashlar::server {

/// Answers the example for `type` ("string", "map", ...), or an error that lists the types.
void reply_protocol_example(command::Context& ctx, std::string_view type);

}  // namespace ashlar::server
