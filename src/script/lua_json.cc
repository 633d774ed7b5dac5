#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"
#include "script/lua_libraries.h"

extern "C" int luaopen_cjson(lua_State* lua);

// lua-cjson counts the bytes of its output in an `int` and reserves six for every byte of a string: beyond 2^31 it
// writes past its buffer. So what a value may need is summed up before it is encoded, with the `null` that it writes
// for each place of an array that nothing stands at.
namespace ashlar::script {
namespace {

/// Half of what an `int` holds, for the buffer doubles.
constexpr std::size_t kOutputBytesMax = 1'000'000'000;
constexpr std::size_t kScalarBytes = 32;      // what lua-cjson reserves for a number
constexpr std::size_t kBytesOfCharacter = 6;  // \u0000
constexpr std::size_t kQuotesAndComma = 3;
constexpr std::size_t kNullAndComma = 5;

/// When a table whose keys are all places of an array is none for lua-cjson all the same: encode_sparse_array().
struct Sparse {
  lua_Number ratio;  // of the highest place to how many there are; 0: never
  lua_Number safe;   // up to this highest place never
};

/// The keys of a table, as far as they decide whether it is an array.
class Places {
 public:
  void add(lua_State* lua, int key) {
    const lua_Number place = lua_type(lua, key) == LUA_TNUMBER ? lua_tonumber(lua, key) : 0;
    if (!(place >= 1) || std::floor(place) != place) only_places_ = false;
    highest_ = std::max(highest_, place);
    ++count_;
  }
  /// How many `null` are written.
  [[nodiscard]] std::size_t missing(const Sparse& sparse) const {
    constexpr lua_Number kMany = 1e12;
    const lua_Number count = static_cast<lua_Number>(count_);
    const bool is_sparse = sparse.ratio > 0 && highest_ > count * sparse.ratio && highest_ > sparse.safe;
    return only_places_ && !is_sparse ? static_cast<std::size_t>(std::min(highest_ - count, kMany)) : 0;
  }

 private:
  lua_Number highest_ = 0;
  std::size_t count_ = 0;
  bool only_places_ = true;
};

/// Adds up the most that lua-cjson would reserve for a value.
class Need {
 public:
  Need(lua_State* lua, const Sparse& sparse) : lua_(lua), sparse_(sparse) {}
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
    Places places;
    lua_pushnil(lua_);
    while (!too_much() && lua_next(lua_, -2) != 0) {
      places.add(lua_, -2);
      add_top();
      lua_pop(lua_, 1);
      add_top();  // the key, which may not be converted while it is needed for the next one
    }
    if (too_much()) return lua_pop(lua_, 1);
    bytes_ += kNullAndComma * places.missing(sparse_);
  }

  lua_State* lua_;
  Sparse sparse_;
  std::size_t bytes_ = 0;
};

/// too_long(ratio, safe, value): whether to encode it could take too much. Anything but one value is left to lua-cjson.
int too_long(lua_State* lua) {
  Need need(lua, {.ratio = lua_tonumber(lua, 1), .safe = lua_tonumber(lua, 2)});
  if (lua_gettop(lua) == 3) need.add_top();
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
  local encode, settings_of_arrays = library.encode, library.encode_sparse_array
  library.encode = function(...)
    local _, ratio, safe = settings_of_arrays()
    if too_long(ratio, safe, ...) then error('Cannot serialise, the text would be too long', 2) end
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
