/// The reply of `<CONTAINER> HELP`. Thread: any.
#pragma once

#include <span>
#include <string_view>

#include "command/context.h"

namespace ashlar::server {

/// The usual first line for `container` (upper case), `lines`, and the line about HELP itself.
void reply_help(command::Context& ctx, std::string_view container, std::span<const std::string_view> lines);

}  // namespace ashlar::server
