#include "script/lua_convert.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/check.h"

namespace ashlar::script {
namespace {

void push_text(lua_State* lua, std::string_view text) { lua_pushlstring(lua, text.data(), text.size()); }

void set_text_field(lua_State* lua, const char* name, std::string_view text) {
  push_text(lua, text);
  lua_setfield(lua, -2, name);
}

/// Reads the reply that our encoder wrote; so its form is taken for granted.
class ReplyPusher {
 public:
  ReplyPusher(lua_State* lua, std::string_view bytes) : lua_(lua), rest_(bytes) {}

  void push() {
    luaL_checkstack(lua_, 6, "reached lua stack limit");
    const char type = rest_.front();
    const std::string_view line = take_line();
    switch (type) {
      case '+': return push_field("ok", line);
      case '-': return push_field("err", line);
      case ':': return lua_pushnumber(lua_, static_cast<lua_Number>(number(line)));
      case '$': return push_bulk(line);
      case '*': return push_array(line);
      case '_': return lua_pushnil(lua_);
      case '#': return lua_pushboolean(lua_, line == "t" ? 1 : 0);
      case ',': return push_double(line);
      case '(': return push_field("big_number", line);
      case '=': return push_verbatim(line);
      case '%': return push_pairs("map", number(line));
      case '~': return push_members(number(line));
      case '|': {  // attributes are not shown to scripts
        push_pairs("map", number(line));
        lua_pop(lua_, 1);
        return push();
      }
      case '>': return push_array(line);
      default: ASH_CHECK(false);
    }
  }

 private:
  [[nodiscard]] std::string_view take_line() {
    const std::size_t end = rest_.find('\r');
    const std::string_view line = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 2);
    return line;
  }
  [[nodiscard]] std::string_view take_body(std::size_t n) {
    const std::string_view body = rest_.substr(0, n);
    rest_.remove_prefix(n + 2);
    return body;
  }
  [[nodiscard]] static std::int64_t number(std::string_view line) { return parse_i64(line).value_or(0); }

  void push_field(const char* name, std::string_view text) {
    lua_createtable(lua_, 0, 1);
    set_text_field(lua_, name, text);
  }
  void push_bulk(std::string_view line) {
    const std::int64_t n = number(line);
    if (n < 0) return lua_pushboolean(lua_, 0);
    push_text(lua_, take_body(static_cast<std::size_t>(n)));
  }
  void push_array(std::string_view line) {
    const std::int64_t n = number(line);
    if (n < 0) return lua_pushboolean(lua_, 0);
    lua_createtable(lua_, static_cast<int>(std::min<std::int64_t>(n, 1 << 20)), 0);
    for (std::int64_t i = 1; i <= n; ++i) {
      push();
      lua_rawseti(lua_, -2, static_cast<int>(i));
    }
  }
  void push_double(std::string_view line) {
    lua_createtable(lua_, 0, 1);
    lua_pushnumber(lua_, std::strtod(std::string(line).c_str(), nullptr));
    lua_setfield(lua_, -2, "double");
  }
  void push_verbatim(std::string_view line) {
    const std::string_view body = take_body(static_cast<std::size_t>(number(line)));
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, 2);
    set_text_field(lua_, "string", body.substr(4));
    set_text_field(lua_, "format", body.substr(0, 3));
    lua_setfield(lua_, -2, "verbatim_string");
  }
  void push_pairs(const char* name, std::int64_t n) {
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, static_cast<int>(std::min<std::int64_t>(n, 1 << 20)));
    for (std::int64_t i = 0; i < n; ++i) {
      push();
      push();
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, name);
  }
  void push_members(std::int64_t n) {
    lua_createtable(lua_, 0, 1);
    lua_createtable(lua_, 0, static_cast<int>(std::min<std::int64_t>(n, 1 << 20)));
    for (std::int64_t i = 0; i < n; ++i) {
      push();
      lua_pushboolean(lua_, 1);
      lua_rawset(lua_, -3);
    }
    lua_setfield(lua_, -2, "set");
  }

  lua_State* lua_;
  std::string_view rest_;
};

[[nodiscard]] std::string_view text_at(lua_State* lua, int index) {
  std::size_t n = 0;
  const char* text = lua_tolstring(lua, index, &n);
  return {text, n};
}

/// Pushes the field when the table on top has one of this Lua type; else leaves the stack as it was.
[[nodiscard]] bool push_raw_field(lua_State* lua, const char* name, int type) {
  lua_pushstring(lua, name);
  lua_rawget(lua, -2);
  if (lua_type(lua, -1) == type) return true;
  lua_pop(lua, 1);
  return false;
}

void write_pairs(lua_State* lua, resp::Version spoken, resp::Encoder& out) {  // the inner table is on top
  const resp::Deferred map = out.begin_map();
  std::size_t n = 0;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pushvalue(lua, -2);
    pop_to_reply(lua, spoken, out);  // the key's copy
    pop_to_reply(lua, spoken, out);  // the value
    ++n;
  }
  out.end(map, n);
}

void write_members(lua_State* lua, resp::Version spoken, resp::Encoder& out) {
  const resp::Deferred set = out.begin_set();
  std::size_t n = 0;
  lua_pushnil(lua);
  while (lua_next(lua, -2) != 0) {
    lua_pop(lua, 1);
    lua_pushvalue(lua, -1);
    pop_to_reply(lua, spoken, out);
    ++n;
  }
  out.end(set, n);
}

void write_array(lua_State* lua, resp::Version spoken, resp::Encoder& out) {
  const resp::Deferred array = out.begin_array();
  std::size_t n = 0;
  for (int i = 1;; ++i) {
    lua_pushnumber(lua, i);
    lua_rawget(lua, -2);
    if (lua_isnil(lua, -1)) break;
    pop_to_reply(lua, spoken, out);
    ++n;
  }
  lua_pop(lua, 1);
  out.end(array, n);
}

/// Writes a table that stands for a reply of its own kind; false when it is an array. Leaves the table on the stack.
[[nodiscard]] bool write_special(lua_State* lua, resp::Version spoken, resp::Encoder& out) {
  if (push_raw_field(lua, "err", LUA_TSTRING)) {
    out.error_line(text_at(lua, -1));
  } else if (push_raw_field(lua, "ok", LUA_TSTRING)) {
    out.simple(text_at(lua, -1));
  } else if (push_raw_field(lua, "double", LUA_TNUMBER)) {
    out.number(lua_tonumber(lua, -1));
  } else if (push_raw_field(lua, "map", LUA_TTABLE)) {
    write_pairs(lua, spoken, out);
  } else if (push_raw_field(lua, "set", LUA_TTABLE)) {
    write_members(lua, spoken, out);
  } else if (push_raw_field(lua, "big_number", LUA_TSTRING)) {
    std::string digits(text_at(lua, -1));  // one line, whatever the protocol
    std::ranges::replace_if(digits, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    out.big_number(digits);
  } else if (push_raw_field(lua, "verbatim_string", LUA_TTABLE)) {
    if (!push_raw_field(lua, "string", LUA_TSTRING)) {
      out.bulk({});
    } else {
      const std::string_view text = text_at(lua, -1);
      lua_insert(lua, -2);
      const bool named = push_raw_field(lua, "format", LUA_TSTRING);
      std::string format(named ? text_at(lua, -1).substr(0, 3) : std::string_view("txt"));
      format.resize(3, ' ');
      out.verbatim(format, text);
      if (named) lua_pop(lua, 1);
      lua_insert(lua, -2);
      lua_pop(lua, 1);
    }
  } else {
    return false;
  }
  lua_pop(lua, 1);
  return true;
}

}  // namespace

void push_reply(lua_State* lua, std::string_view bytes) { ReplyPusher(lua, bytes).push(); }

void pop_to_reply(lua_State* lua, resp::Version spoken, resp::Encoder& out) {
  if (lua_checkstack(lua, 6) == 0) {
    lua_pop(lua, 1);
    return out.error({ErrorCode::kGeneric, "reached lua stack limit"});
  }
  switch (lua_type(lua, -1)) {
    case LUA_TSTRING: out.bulk(text_at(lua, -1)); break;
    case LUA_TNUMBER: {
      const lua_Number value = lua_tonumber(lua, -1);
      // What does not fit (infinity, nan, 2^63) is the smallest integer, as the conversion of x86 gives it.
      const bool fits = value >= -9223372036854775808.0 && value < 9223372036854775808.0;
      out.integer(fits ? static_cast<std::int64_t>(value) : INT64_MIN);
      break;
    }
    case LUA_TBOOLEAN: {
      const bool value = lua_toboolean(lua, -1) != 0;
      if (spoken == resp::Version::kResp3) {
        out.boolean(value);
      } else if (value) {
        out.integer(1);
      } else {
        out.null();
      }
      break;
    }
    case LUA_TTABLE:
      if (!write_special(lua, spoken, out)) write_array(lua, spoken, out);
      break;
    default: out.null();
  }
  lua_pop(lua, 1);
}

}  // namespace ashlar::script
