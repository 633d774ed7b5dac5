#include "script/interpreter.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <lua.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "script/lua_convert.h"
#include "script/lua_libraries.h"
#include "script/lua_source.h"
#include "script/sandbox_lua.h"
#include "script/sha1.h"

namespace ashlar::script {
namespace {

constexpr char kReadOnlyText[] = "Attempt to modify a readonly table";
/// The field of an error object that a call has returned and that has been counted.
constexpr char kCounted[] = "ignore_error_stats_update";
/// Instructions between two looks at the clock: about half a millisecond.
constexpr int kInstructionsPerTick = 100'000;
constexpr std::string_view kLoadTimeoutText = "ERR FUNCTION LOAD timeout";
constexpr std::string_view kKilledText =
    "ERR Error running script (call to function): Script killed by user with SCRIPT KILL or FUNCTION KILL.";

[[nodiscard]] std::string_view text_at(lua_State* lua, int index) {
  std::size_t n = 0;
  const char* text = lua_tolstring(lua, index, &n);
  return text == nullptr ? std::string_view() : std::string_view(text, n);
}

void push_text(lua_State* lua, std::string_view text) { lua_pushlstring(lua, text.data(), text.size()); }

/// Pushes {err = text}; a text without an error code gets "ERR".
void push_error(lua_State* lua, std::string_view text) {
  lua_createtable(lua, 0, 1);
  push_text(lua, text);
  lua_setfield(lua, -2, "err");
}

/// The text of an error field from what a script or a command said: "-CODE text" or "text".
[[nodiscard]] std::string coded(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (!text.starts_with('-')) return "ERR " + std::string(text);
  text.remove_prefix(1);
  return text.find(' ') == std::string_view::npos ? "ERR " + std::string(text) : std::string(text);
}

/// Pushes the field of the table at `index` as it is there: no metamethod is called.
void push_raw_field(lua_State* lua, int index, const char* name) {
  lua_pushstring(lua, name);
  lua_rawget(lua, index);
}

/// The text of an error object as on_error() makes it, or of what is raised without it; empty: it has no such field.
[[nodiscard]] std::string error_field(lua_State* lua, const char* name) {
  push_raw_field(lua, lua_gettop(lua), name);
  std::string text(text_at(lua, -1));
  lua_pop(lua, 1);
  return text;
}

/// Leaves the text of an error at index 1 on top: its field `err` when it is a table.
void push_error_text(lua_State* lua) {
  if (lua_istable(lua, 1)) {
    push_raw_field(lua, 1, "err");
    if (lua_isstring(lua, -1) != 0) return;
    lua_pop(lua, 1);
  } else if (lua_isstring(lua, 1) != 0) {
    lua_pushliteral(lua, "ERR ");
    lua_pushvalue(lua, 1);
    return lua_concat(lua, 2);
  }
  lua_pushliteral(lua, "ERR (error object is not a string)");
}

/// The message handler of every run: makes an error object of our own, which says where it happened. That of a script
/// may have metamethods, or be a table that all scripts share.
int on_error(lua_State* lua) {
  lua_settop(lua, 1);
  lua_createtable(lua, 0, 4);
  push_error_text(lua);
  lua_setfield(lua, 2, "err");
  if (lua_istable(lua, 1)) {
    push_raw_field(lua, 1, kCounted);
    lua_setfield(lua, 2, kCounted);
  }
  lua_Debug where{};
  // The innermost function that the user wrote: neither C nor what guards the globals.
  for (int level = 1; level <= 3; ++level) {
    if (lua_getstack(lua, level, &where) == 0 || lua_getinfo(lua, "nSl", &where) == 0) break;
    if (std::string_view(where.what) == "C" || std::string_view(where.source) == "=sandbox") continue;
    lua_pushstring(lua, where.source);
    lua_setfield(lua, 2, "source");
    lua_pushinteger(lua, where.currentline);
    lua_setfield(lua, 2, "line");
    break;
  }
  return 1;
}

/// Raises {err = text}.
int raise(lua_State* lua, std::string_view text) {
  push_error(lua, text);
  return lua_error(lua);
}

}  // namespace

/// The functions of the tables `redis` and `server`. Each has the interpreter as its first upvalue.
struct Api {
  [[nodiscard]] static Interpreter& self(lua_State* lua) {
    return *static_cast<Interpreter*>(lua_touserdata(lua, lua_upvalueindex(1)));
  }

  enum class OnError : std::uint8_t { kRaise, kReturn };

  /// The arguments as texts; false when one is neither a string nor a number.
  [[nodiscard]] static bool read_arguments(lua_State* lua, std::vector<std::string>& numbers,
                                           std::vector<std::string_view>& args) {
    const int n = lua_gettop(lua);
    args.reserve(static_cast<std::size_t>(n));
    for (int i = 1; i <= n; ++i) {
      switch (lua_type(lua, i)) {
        case LUA_TSTRING: args.push_back(text_at(lua, i)); break;
        case LUA_TNUMBER: {
          const lua_Number value = lua_tonumber(lua, i);
          const bool whole = std::trunc(value) == value && std::fabs(value) < 9.2e18;
          if (numbers.empty()) numbers.reserve(static_cast<std::size_t>(n));  // their addresses are kept
          numbers.push_back(whole ? fmt::format("{}", static_cast<std::int64_t>(value))
                                  : fmt::format("{:.17g}", value));
          args.push_back(numbers.back());
          break;
        }
        default: return false;
      }
    }
    return true;
  }

  /// Runs a command and pushes its reply. Nothing that owns memory is alive when an error is raised.
  [[nodiscard]] static bool call_into(lua_State* lua, Interpreter& me) {
    std::vector<std::string> numbers;
    std::vector<std::string_view> args;
    if (!read_arguments(lua, numbers, args)) {
      push_error(lua, "ERR Lua redis lib command arguments must be strings or integers");
      return false;
    }
    ByteBuffer bytes;
    bytes.swap(me.reply_bytes_);
    bytes.clear();
    resp::Encoder reply(bytes, me.version_);
    me.port_->call(args, reply);
    const bool failed = bytes.view().starts_with('-');
    lua_settop(lua, 0);  // makes room: the arguments have been read
    push_reply(lua, bytes.view());
    constexpr std::size_t kKept = 64 * 1024;
    if (bytes.capacity() <= kKept) me.reply_bytes_.swap(bytes);
    if (failed) {
      lua_pushboolean(lua, 1);
      lua_setfield(lua, -2, kCounted);
    }
    return !failed;
  }

  static int call_any(lua_State* lua, OnError on_error_do) {
    Interpreter& me = self(lua);
    if (me.port_ == nullptr || me.loading_ != nullptr) {
      return raise(lua, "ERR redis.call/pcall can only be called inside a script invocation");
    }
    bool ok = false;
    if (lua_gettop(lua) == 0) {
      push_error(lua, "ERR Please specify at least one argument for this redis.lib call");
    } else {
      ok = call_into(lua, me);
    }
    return ok || on_error_do == OnError::kReturn ? 1 : lua_error(lua);
  }
  static int call(lua_State* lua) { return call_any(lua, OnError::kRaise); }
  static int pcall(lua_State* lua) { return call_any(lua, OnError::kReturn); }

  static int sha1hex(lua_State* lua) {
    if (lua_gettop(lua) != 1) return raise(lua, "ERR wrong number of arguments");
    const std::array<char, 40> digest = sha1_hex(text_at(lua, 1));
    lua_pushlstring(lua, digest.data(), digest.size());
    return 1;
  }

  static int single_field(lua_State* lua, const char* field) {
    if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
      push_error(lua, "ERR wrong number or type of arguments");
      return 1;
    }
    lua_createtable(lua, 0, 1);
    if (std::string_view(field) == "err") {
      std::string text(text_at(lua, 1));
      if (!text.starts_with('-')) text.insert(0, 1, '-');
      push_text(lua, coded(text));
    } else {
      lua_pushvalue(lua, 1);
    }
    lua_setfield(lua, -2, field);
    return 1;
  }
  static int error_reply(lua_State* lua) { return single_field(lua, "err"); }
  static int status_reply(lua_State* lua) { return single_field(lua, "ok"); }

  static int log(lua_State* lua) {
    const int n = lua_gettop(lua);
    if (n < 2) return raise(lua, "ERR redis.log() requires two arguments or more.");
    if (lua_isnumber(lua, 1) == 0) return raise(lua, "ERR First argument must be a number (log level).");
    const auto level = lua_tonumber(lua, 1);
    if (!(level >= 0 && level <= 3)) return raise(lua, "ERR Invalid log level.");
    std::string line;
    for (int i = 2; i <= n; ++i) {
      if (i > 2) line += ' ';
      line += text_at(lua, i);
    }
    switch (static_cast<int>(level)) {
      case 0: ashlar::log::debug("{}", line); break;
      case 1: ashlar::log::verbose("{}", line); break;
      case 2: ashlar::log::notice("{}", line); break;
      default: ashlar::log::warning("{}", line); break;
    }
    return 0;
  }

  static int setresp(lua_State* lua) {
    if (lua_gettop(lua) != 1) return raise(lua, "ERR redis.setresp() requires one argument.");
    const lua_Number version = lua_tonumber(lua, 1);
    if (version != 2 && version != 3) return raise(lua, "ERR RESP version must be 2 or 3.");
    self(lua).version_ = version == 3 ? resp::Version::kResp3 : resp::Version::kResp2;
    return 0;
  }

  static int set_repl(lua_State* lua) {
    if (lua_gettop(lua) != 1) return raise(lua, "ERR redis.set_repl() requires one argument.");
    const lua_Number flags = lua_tonumber(lua, 1);
    if (!(flags >= 0 && flags <= 3)) {
      return raise(lua, "ERR Invalid replication flags. Please use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
    }
    Interpreter& me = self(lua);
    if (me.port_ == nullptr || me.loading_ != nullptr)
      return raise(lua, "ERR redis.set_repl can only be called inside a script invocation");
    me.port_->record_for(static_cast<command::Recipients>(static_cast<int>(flags)));
    return 0;
  }
  static int replicate_commands(lua_State* lua) {
    lua_pushboolean(lua, 1);  // effects are what is replicated, always
    return 1;
  }
  static int breakpoint(lua_State* lua) {
    lua_pushboolean(lua, 0);  // no debugger is attached
    return 1;
  }
  static int debug(lua_State*) { return 0; }

  static int acl_check_cmd(lua_State* lua) {
    Interpreter& me = self(lua);
    if (me.port_ == nullptr || me.loading_ != nullptr) {
      return raise(lua, "ERR redis.acl_check_cmd can only be called inside a script invocation");
    }
    if (lua_gettop(lua) == 0)
      return raise(lua, "ERR Please specify at least one argument for this redis.acl_check_cmd() call");
    int answer = 0;
    {
      std::vector<std::string> numbers;
      std::vector<std::string_view> args;
      if (!read_arguments(lua, numbers, args)) {
        answer = -2;
      } else {
        const Result<bool> allowed = me.port_->may_run(args);
        answer = allowed ? static_cast<int>(*allowed) : -1;
      }
    }
    if (answer == -2) return raise(lua, "ERR redis.acl_check_cmd() command arguments must be strings or integers");
    if (answer == -1) return raise(lua, "ERR Invalid command passed to redis.acl_check_cmd()");
    lua_pushboolean(lua, answer);
    return 1;
  }

  // redis.register_function(name, callback) or {function_name=, callback=, description=, flags=}.
  [[nodiscard]] static std::string_view read_flags(lua_State* lua, ScriptFlag& flags) {
    for (int i = 1;; ++i) {
      lua_rawgeti(lua, -1, i);
      if (lua_isnil(lua, -1)) break;
      const ScriptFlag flag = lua_type(lua, -1) == LUA_TSTRING ? flag_named(text_at(lua, -1)) : ScriptFlag::kNone;
      lua_pop(lua, 1);
      if (flag == ScriptFlag::kNone) return "unknown flag given";
      flags = flags | flag;
    }
    lua_pop(lua, 1);
    return {};
  }
  /// Fills `info` and leaves the callback on top; a text when something is wrong.
  [[nodiscard]] static std::string_view read_named(lua_State* lua, FunctionInfo& info) {
    bool has_callback = false;
    lua_pushnil(lua);
    int callback = 0;
    while (lua_next(lua, 1) != 0) {
      if (lua_type(lua, -2) != LUA_TSTRING)
        return "named argument key given to redis.register_function is not a string";
      const std::string_view key = text_at(lua, -2);
      if (iequals(key, "function_name")) {
        if (lua_type(lua, -1) != LUA_TSTRING)
          return "function_name argument given to redis.register_function must be a string";
        info.name = text_at(lua, -1);
      } else if (iequals(key, "description")) {
        if (lua_type(lua, -1) != LUA_TSTRING)
          return "description argument given to redis.register_function must be a string";
        info.description = text_at(lua, -1);
      } else if (iequals(key, "callback")) {
        if (lua_type(lua, -1) != LUA_TFUNCTION)
          return "callback argument given to redis.register_function must be a function";
        lua_pushvalue(lua, -1);
        callback = luaL_ref(lua, LUA_REGISTRYINDEX);
        has_callback = true;
      } else if (iequals(key, "flags")) {
        if (lua_type(lua, -1) != LUA_TTABLE)
          return "flags argument to redis.register_function must be a table representing function flags";
        if (const std::string_view wrong = read_flags(lua, info.flags); !wrong.empty()) return wrong;
      } else {
        return "unknown argument given to redis.register_function";
      }
      lua_pop(lua, 1);
    }
    if (info.name.empty()) return "redis.register_function must get a function name argument";
    if (!has_callback) return "redis.register_function must get a callback argument";
    lua_rawgeti(lua, LUA_REGISTRYINDEX, callback);
    luaL_unref(lua, LUA_REGISTRYINDEX, callback);
    return {};
  }
  [[nodiscard]] static std::string_view read_registration(lua_State* lua, FunctionInfo& info) {
    const int n = lua_gettop(lua);
    if (n < 1 || n > 2) return "wrong number of arguments to redis.register_function";
    if (n == 1) {
      if (lua_type(lua, 1) != LUA_TTABLE) {
        return "calling redis.register_function with a single argument is only applicable to Lua table (representing "
               "named arguments).";
      }
      return read_named(lua, info);
    }
    if (lua_type(lua, 1) != LUA_TSTRING) return "first argument to redis.register_function must be a string";
    if (lua_type(lua, 2) != LUA_TFUNCTION) return "second argument to redis.register_function must be a function";
    info.name = text_at(lua, 1);
    return {};
  }
  [[nodiscard]] static bool valid_name(std::string_view name) {
    if (name.empty()) return false;
    for (const char c : name) {
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
  }
  static int register_function(lua_State* lua) {
    Interpreter& me = self(lua);
    if (me.loading_ == nullptr)
      return raise(lua, "ERR redis.register_function can only be called on FUNCTION LOAD command");
    {
      FunctionInfo info;
      std::string_view wrong = read_registration(lua, info);
      if (wrong.empty() && !valid_name(info.name)) {
        wrong =
            "Library names can only contain letters, numbers, or underscores(_) and must be at least one character "
            "long";
      }
      if (wrong.empty() && me.loading_->library.functions.contains(info.name))
        wrong = "Function already exists in the library";
      if (wrong.empty()) {
        me.loading_->library.functions[info.name] = luaL_ref(lua, LUA_REGISTRYINDEX);
        me.loading_->functions.push_back(std::move(info));
        return 0;
      }
      push_error(lua, "ERR " + std::string(wrong));
    }
    return lua_error(lua);
  }

  static int random(lua_State* lua) {
    Interpreter& me = self(lua);
    const double unit = static_cast<double>(me.rng_.next() >> 11) * 0x1p-53;
    switch (lua_gettop(lua)) {
      case 0: lua_pushnumber(lua, unit); return 1;
      case 1: {
        const lua_Number high = std::floor(luaL_checknumber(lua, 1));
        luaL_argcheck(lua, high >= 1, 1, "interval is empty");
        lua_pushnumber(lua, std::floor(unit * high) + 1);
        return 1;
      }
      case 2: {
        const lua_Number low = std::floor(luaL_checknumber(lua, 1));
        const lua_Number high = std::floor(luaL_checknumber(lua, 2));
        luaL_argcheck(lua, low <= high, 2, "interval is empty");
        lua_pushnumber(lua, std::floor(unit * (high - low + 1)) + low);
        return 1;
      }
      default: return luaL_error(lua, "wrong number of arguments");
    }
  }
  static int randomseed(lua_State* lua) {
    self(lua).rng_ = Rng(std::bit_cast<std::uint64_t>(luaL_checknumber(lua, 1)));
    return 0;
  }

  /// compile(environment, text, name): text only, never bytecode; nil and a message when it is wrong.
  static int compile(lua_State* lua) {
    std::size_t n = 0;
    const char* text = luaL_checklstring(lua, 2, &n);
    const char* name = luaL_optstring(lua, 3, text);
    if (luaL_loadbufferx(lua, text, n, name, "t") != 0) {
      lua_pushnil(lua);
      lua_insert(lua, -2);
      return 2;
    }
    lua_pushvalue(lua, 1);
    lua_setfenv(lua, -2);
    return 1;
  }

  /// From now on instructions are counted. On the thread of the run, between any two of its instructions: the one
  /// function of LuaJIT that may be called so. (Not from another thread: LuaJIT issue 1012.)
  static void interrupt(void* self) noexcept {
    lua_sethook(static_cast<Interpreter*>(self)->lua_, &hook, LUA_MASKCOUNT, kInstructionsPerTick);
  }

  static void hook(lua_State* lua, lua_Debug*) {
    lua_getfield(lua, LUA_REGISTRYINDEX, "ashlar.interpreter");
    auto& me = *static_cast<Interpreter*>(lua_touserdata(lua, -1));
    lua_pop(lua, 1);
    if (!me.killed_ && me.port_->tick() == ScriptPort::Verdict::kGoOn) return;
    if (!me.killed_) {
      me.killed_ = true;
      // From now on at every line, so that no pcall() of the script can go on.
      lua_sethook(lua, &hook, LUA_MASKCOUNT | LUA_MASKLINE, 1);
    }
    raise(lua, me.loading_ != nullptr ? kLoadTimeoutText : kKilledText);
  }
};

namespace {

void set_function(lua_State* lua, Interpreter* self, const char* name, lua_CFunction function) {
  lua_pushlightuserdata(lua, self);
  lua_pushcclosure(lua, function, 1);
  lua_setfield(lua, -2, name);
}

void set_number(lua_State* lua, const char* name, lua_Number value) {
  lua_pushnumber(lua, value);
  lua_setfield(lua, -2, name);
}

void open_library(lua_State* lua, const char* name, lua_CFunction open) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

/// Copies the named global of the raw state into the table on top.
void share(lua_State* lua, const char* name) {
  lua_getglobal(lua, name);
  lua_setfield(lua, -2, name);
}

/// What the table `redis` holds at any time.
void set_common_fields(lua_State* lua, Interpreter* self) {
  set_function(lua, self, "log", &Api::log);
  set_number(lua, "LOG_DEBUG", 0);
  set_number(lua, "LOG_VERBOSE", 1);
  set_number(lua, "LOG_NOTICE", 2);
  set_number(lua, "LOG_WARNING", 3);
  lua_pushstring(lua, "7.2.4");
  lua_setfield(lua, -2, "REDIS_VERSION");
  set_number(lua, "REDIS_VERSION_NUM", 0x00070204);
}

void push_redis_table(lua_State* lua, Interpreter* self) {
  lua_newtable(lua);
  set_function(lua, self, "call", &Api::call);
  set_function(lua, self, "pcall", &Api::pcall);
  set_function(lua, self, "sha1hex", &Api::sha1hex);
  set_function(lua, self, "error_reply", &Api::error_reply);
  set_function(lua, self, "status_reply", &Api::status_reply);
  set_function(lua, self, "setresp", &Api::setresp);
  set_function(lua, self, "set_repl", &Api::set_repl);
  set_function(lua, self, "replicate_commands", &Api::replicate_commands);
  set_function(lua, self, "breakpoint", &Api::breakpoint);
  set_function(lua, self, "debug", &Api::debug);
  set_function(lua, self, "acl_check_cmd", &Api::acl_check_cmd);
  set_number(lua, "REPL_NONE", 0);
  set_number(lua, "REPL_AOF", 1);
  set_number(lua, "REPL_SLAVE", 2);
  set_number(lua, "REPL_REPLICA", 2);
  set_number(lua, "REPL_ALL", 3);
  set_common_fields(lua, self);
}

/// The table `redis` of a library that is being loaded.
void push_loading_table(lua_State* lua, Interpreter* self) {
  lua_newtable(lua);
  set_function(lua, self, "register_function", &Api::register_function);
  set_common_fields(lua, self);
}

}  // namespace

Interpreter::Interpreter(Rng& rng, Watchdog& watchdog) : rng_(rng), watch_(watchdog, {&Api::interrupt, this}) {
  build();
}

Interpreter::~Interpreter() {
  if (lua_ != nullptr) lua_close(lua_);
}

void Interpreter::build() {
  lua_ = luaL_newstate();
  ASH_CHECK(lua_ != nullptr);
  lua_State* lua = lua_;
  open_library(lua, "", &luaopen_base);
  open_library(lua, LUA_TABLIBNAME, &luaopen_table);
  open_library(lua, LUA_STRLIBNAME, &luaopen_string);
  open_library(lua, LUA_MATHLIBNAME, &luaopen_math);
  open_library(lua, LUA_BITLIBNAME, &luaopen_bit);
  open_library(lua, LUA_OSLIBNAME, &luaopen_os);
  luaJIT_setmode(lua, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  lua_pushlightuserdata(lua, this);
  lua_setfield(lua, LUA_REGISTRYINDEX, "ashlar.interpreter");

  luaL_loadbufferx(lua, kSandboxSource, sizeof(kSandboxSource) - 1, "=sandbox", "t");
  // globals
  lua_newtable(lua);
  for (const char* name : {"assert", "collectgarbage", "error", "gcinfo", "ipairs", "rawequal", "select", "tonumber",
                           "tostring", "type", "unpack", "_VERSION"}) {
    share(lua, name);
  }
  lua_pushvalue(lua, -1);
  lua_setfield(lua, LUA_REGISTRYINDEX, "ashlar.globals");
  // shared tables
  lua_newtable(lua);
  for (const char* name : {"string", "table", "math", "bit", "coroutine"}) share(lua, name);
  lua_getfield(lua, -1, "math");
  set_function(lua, this, "random", &Api::random);
  set_function(lua, this, "randomseed", &Api::randomseed);
  lua_pop(lua, 1);
  lua_newtable(lua);
  lua_getglobal(lua, "os");
  lua_getfield(lua, -1, "clock");
  lua_setfield(lua, -3, "clock");
  lua_pop(lua, 1);
  lua_setfield(lua, -2, "os");
  push_json_library(lua);
  lua_setfield(lua, -2, "cjson");
  push_struct_library(lua);
  lua_setfield(lua, -2, "struct");
  push_msgpack_library(lua);
  lua_setfield(lua, -2, "cmsgpack");
  push_redis_table(lua, this);
  lua_pushvalue(lua, -1);
  lua_setfield(lua, -3, "server");
  lua_setfield(lua, -2, "redis");
  lua_pushcfunction(lua, &Api::compile);
  lua_pushstring(lua, "");
  lua_getmetatable(lua, -1);
  lua_remove(lua, -2);
  lua_pushstring(lua, kReadOnlyText);
  push_loading_table(lua, this);
  if (lua_pcall(lua, 6, 3, 0) != 0) {
    ashlar::log::warning("The sandbox of scripts does not start: {}", text_at(lua, -1));
    ASH_CHECK(false);
  }
  lua_setfield(lua, LUA_REGISTRYINDEX, "ashlar.enter_phase");
  lua_setfield(lua, LUA_REGISTRYINDEX, "ashlar.library_environment");
  lua_setfield(lua, LUA_REGISTRYINDEX, "ashlar.environment");
  lua_settop(lua, 0);
}

void Interpreter::enter(Phase phase) {
  lua_getfield(lua_, LUA_REGISTRYINDEX, "ashlar.enter_phase");
  lua_pushboolean(lua_, phase == Phase::kLoading ? 1 : 0);
  lua_call(lua_, 1, 0);
}

Result<void> Interpreter::compile(const std::string& sha, std::string_view body) {
  if (compiled(sha)) return {};
  const std::string source = keep_calling_frames(body);
  if (luaL_loadbufferx(lua_, source.data(), source.size(), "@user_script", "t") != 0) {
    std::string text = fmt::format("Error compiling script (new function): {}", text_at(lua_, -1));
    lua_pop(lua_, 1);
    return fail(std::move(text));
  }
  lua_getfield(lua_, LUA_REGISTRYINDEX, "ashlar.environment");
  lua_setfenv(lua_, -2);
  scripts_[sha] = luaL_ref(lua_, LUA_REGISTRYINDEX);
  return {};
}

void Interpreter::forget_scripts() {
  for (const auto& [sha, reference] : scripts_) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  scripts_.clear();
  lua_gc(lua_, LUA_GCCOLLECT, 0);
}

void Interpreter::begin(ScriptPort& port) {
  port_ = &port;
  version_ = resp::Version::kResp2;
  killed_ = false;
  watch_.begin();
}

void Interpreter::stop_counting() {
  if (watch_.end() == Watchdog::Watch::Alarm::kRaised) lua_sethook(lua_, nullptr, 0, 0);
}

void Interpreter::end() {
  lua_settop(lua_, 0);
  port_ = nullptr;
}

namespace {

/// Whether the value on top is an error that a call has returned.
[[nodiscard]] bool was_counted(lua_State* lua) {
  if (!lua_istable(lua, -1)) return false;
  push_raw_field(lua, lua_gettop(lua), kCounted);
  const bool counted = lua_toboolean(lua, -1) != 0;
  lua_pop(lua, 1);
  return counted;
}

void push_texts(lua_State* lua, std::span<const std::string_view> texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  int i = 0;
  for (const std::string_view text : texts) {
    push_text(lua, text);
    lua_rawseti(lua, -2, ++i);
  }
}

}  // namespace

void Interpreter::run_script(const std::string& sha, const Run& run) {
  begin(run.port);
  lua_getfield(lua_, LUA_REGISTRYINDEX, "ashlar.globals");
  push_texts(lua_, run.keys);
  lua_setfield(lua_, -2, "KEYS");
  push_texts(lua_, run.args);
  lua_setfield(lua_, -2, "ARGV");
  lua_pop(lua_, 1);
  lua_pushcfunction(lua_, &on_error);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, scripts_.at(sha));
  finish(lua_pcall(lua_, 0, 1, 1), sha, run);
  lua_getfield(lua_, LUA_REGISTRYINDEX, "ashlar.globals");  // functions have no such variables
  for (const char* name : {"KEYS", "ARGV"}) {
    lua_pushnil(lua_);
    lua_setfield(lua_, -2, name);
  }
  lua_pop(lua_, 1);
}

void Interpreter::run_function(const std::string& library, const std::string& function, const Run& run) {
  const auto& functions = libraries_.at(library).functions;
  const auto found = functions.find(function);
  if (found == functions.end()) {
    return run.reply.error_line("ERR The library did not register this function when it was loaded again");
  }
  begin(run.port);
  lua_pushcfunction(lua_, &on_error);
  lua_rawgeti(lua_, LUA_REGISTRYINDEX, found->second);
  push_texts(lua_, run.keys);
  push_texts(lua_, run.args);
  finish(lua_pcall(lua_, 2, 1, 1), function, run);
}

void Interpreter::finish(int status, std::string_view name, const Run& run) {
  stop_counting();  // nothing may be raised from here on
  if (was_counted(lua_)) run.port.error_was_counted();
  if (status == 0) {
    pop_to_reply(lua_, version_, run.reply);
    return end();
  }
  std::string text;
  if (lua_istable(lua_, -1)) {
    text = error_field(lua_, "err");
    const std::string line = error_field(lua_, "line");
    if (!line.empty()) text += fmt::format(" script: {}, on {}:{}.", name, error_field(lua_, "source"), line);
  } else {
    text = fmt::format("ERR {}", text_at(lua_, -1));  // no memory, or an error while handling one
  }
  run.reply.error_line(text);
  end();
}

Result<std::vector<FunctionInfo>> Interpreter::load_library(const std::string& name, std::string_view body,
                                                            ScriptPort& port) {
  forget_library(name);
  const std::string source = keep_calling_frames(body);
  if (luaL_loadbufferx(lua_, source.data(), source.size(), "@user_function", "t") != 0) {
    std::string text = fmt::format("Error compiling function: {}", text_at(lua_, -1));
    lua_settop(lua_, 0);
    return fail(std::move(text));
  }
  lua_getfield(lua_, LUA_REGISTRYINDEX, "ashlar.library_environment");
  lua_setfenv(lua_, -2);
  enter(Phase::kLoading);
  Loading loading;
  loading_ = &loading;
  begin(port);
  lua_pushcfunction(lua_, &on_error);
  lua_insert(lua_, 1);
  const int status = lua_pcall(lua_, 0, 0, 1);
  loading_ = nullptr;
  stop_counting();
  enter(Phase::kRunning);
  std::string text;
  if (status != 0) {
    text = "Error registering functions: ";
    text += lua_istable(lua_, -1) ? error_field(lua_, "err") : std::string(text_at(lua_, -1));
  } else if (loading.functions.empty()) {
    text = "No functions registered";
  }
  end();
  if (text.empty()) {
    libraries_[name] = std::move(loading.library);
    return std::move(loading.functions);
  }
  for (const auto& [function, reference] : loading.library.functions) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  return fail(std::move(text));
}

void Interpreter::forget_library(const std::string& name) {
  const auto found = libraries_.find(name);
  if (found == libraries_.end()) return;
  for (const auto& [function, reference] : found->second.functions) luaL_unref(lua_, LUA_REGISTRYINDEX, reference);
  libraries_.erase(found);
}

std::size_t Interpreter::memory_bytes() const {
  return static_cast<std::size_t>(lua_gc(lua_, LUA_GCCOUNT, 0)) * 1024 +
         static_cast<std::size_t>(lua_gc(lua_, LUA_GCCOUNTB, 0));
}

}  // namespace ashlar::script
