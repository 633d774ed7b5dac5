/// The libraries that scripts may use beside Lua's own: struct and cmsgpack are ours, cjson is lua-cjson with a limit
/// on what it encodes, bit is LuaJIT's. Each function pushes one table and leaves it on the stack. Thread: the one that
/// owns the interpreter. Source: "Redis Lua API reference", runtime libraries.
#pragma once

#include <lua.hpp>

namespace ashlar::script {

/// struct.pack, unpack, size: values as bytes by a format string. Errors are raised as Lua errors.
void push_struct_library(lua_State* lua);
/// cmsgpack.pack, unpack, unpack_one, unpack_limit: MessagePack.
void push_msgpack_library(lua_State* lua);
/// cjson. Raises an error instead of encoding what could take 1 GB of text.
void push_json_library(lua_State* lua);

}  // namespace ashlar::script
