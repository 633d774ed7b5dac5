/// Changes to the text of scripts before they are compiled. Pure. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace ashlar::script {

/// The source with `return redis.call(...)` written as `return (redis.call(...))`, the same for the table `server`.
/// LuaJIT keeps no frame of a function that returns by a call, so that an error of the command could not name its line;
/// a call in parentheses is not one of those, and this one gives a single value anyway. Lines stay where they are. A
/// source that does not read as Lua comes back as it was. Cost: one pass.
[[nodiscard]] std::string keep_calling_frames(std::string_view source);

}  // namespace ashlar::script
