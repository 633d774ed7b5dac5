#include <cstddef>

#include "base/check.h"
#include "script/lua_libraries.h"

extern "C" int luaopen_cjson(lua_State* lua);

// lua-cjson counts the bytes of its output in an `int` and reserves six for every byte of a string: beyond 2^31 it
// writes past its buffer. So what a value may need is summed up before it is encoded.
namespace ashlar::script {
namespace {

/// Half of what an `int` holds, for the buffer doubles.
constexpr std::size_t kOutputBytesMax = 1'000'000'000;
constexpr std::size_t kScalarBytes = 32;      // what lua-cjson reserves for a number
constexpr std::size_t kBytesOfCharacter = 6;  // \u0000
constexpr std::size_t kQuotesAndComma = 3;

/// Adds up the most that lua-cjson would reserve for a value.
class Need {
 public:
  explicit Need(lua_State* lua) : lua_(lua) {}
  [[nodiscard]] bool too_much() const noexcept { return bytes_ > kOutputBytesMax; }

  /// The value on top of the stack, which stays there. Nesting that has no room on the stack is left to lua-cjson,
  /// which refuses it for the same reason.
  void add_top() {
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING: bytes_ += kBytesOfCharacter * lua_objlen(lua_, -1) + kQuotesAndComma; return;
      case LUA_TTABLE: return add_table();
      default: bytes_ += kScalarBytes;
    }
  }

 private:
  void add_table() {
    bytes_ += kScalarBytes;
    if (lua_checkstack(lua_, 3) == 0) return;
    lua_pushnil(lua_);
    while (!too_much() && lua_next(lua_, -2) != 0) {
      add_top();
      lua_pop(lua_, 1);
      add_top();  // the key, which may not be converted while it is needed for the next one
    }
    if (too_much()) lua_pop(lua_, 1);
  }

  lua_State* lua_;
  std::size_t bytes_ = 0;
};

/// too_long(value): whether to encode it could take too much. Anything but one argument is left to lua-cjson.
int too_long(lua_State* lua) {
  Need need(lua);
  if (lua_gettop(lua) == 1) need.add_top();
  lua_pushboolean(lua, need.too_much() ? 1 : 0);
  return 1;
}

/// Makes an instance of the library, whose new() makes instances of the same kind. In Lua, for a tail call leaves no
/// frame: errors of lua-cjson name the line of the script.
constexpr char kGuardSource[] = R"lua(
local open, too_long = ...
local error = error
local function make()
  local library = open()
  local encode = library.encode
  library.encode = function(...)
    if too_long(...) then error('Cannot serialise, the text would be too long', 2) end
    return encode(...)
  end
  library.new = make
  return library
end
return make()
)lua";

}  // namespace

void push_json_library(lua_State* lua) {
  ASH_CHECK(luaL_loadbufferx(lua, kGuardSource, sizeof(kGuardSource) - 1, "=cjson", "t") == 0);
  lua_pushcfunction(lua, &luaopen_cjson);
  lua_pushcfunction(lua, &too_long);
  lua_call(lua, 2, 1);
}

}  // namespace ashlar::script
