/// Replies of commands as Lua values, and what a script returns as a reply.
///
/// Thread: the one that owns the interpreter. Both directions recurse with the depth of the value and stop at what the
/// Lua stack holds. Source: "Redis Lua API reference", data type conversion.
#pragma once

#include <lua.hpp>
#include <string_view>

#include "resp/encoder.h"

namespace ashlar::script {

/// Pushes the value of the one complete reply in `bytes`, as our own encoder wrote it. An error becomes {err = text}.
void push_reply(lua_State* lua, std::string_view bytes);

/// Pops the value on top and writes it as a reply. `spoken` is the script's own choice, redis.setresp(): with RESP2
/// true is 1 and false null, whatever the client speaks.
void pop_to_reply(lua_State* lua, resp::Version spoken, resp::Encoder& out);

}  // namespace ashlar::script
