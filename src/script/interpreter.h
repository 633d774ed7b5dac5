/// A Lua interpreter that runs scripts and functions for one thread: sandboxed, with the API of Redis.
///
/// Scripts cannot reach files, processes, bytecode or the C debug interface; global tables are read-only, and nothing a
/// script leaves behind is seen by another one. LuaJIT runs with its compiler off, because compiled loops cannot be
/// interrupted and SCRIPT KILL must always work; its interpreter alone is two to three times faster than PUC Lua.
/// Instructions are counted only after a watchdog has found a script running for some milliseconds.
///
/// Thread: one, for all members. Memory grows with what scripts use; memory_bytes() tells. Errors of scripts become
/// replies in the form that Redis gives. Source: "Redis Lua API reference".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "command/script_calls.h"
#include "resp/encoder.h"
#include "script/script_flags.h"
#include "script/watchdog.h"

struct lua_State;

namespace ashlar::script {

/// What redis.call() and its like reach. Implemented by whoever runs a script; lives as long as the run.
class ScriptPort {
 public:
  virtual ~ScriptPort() = default;
  /// Runs a command and writes its reply, an error for what may not run.
  virtual void call(std::span<const std::string_view> args, resp::Encoder& reply) = 0;
  /// redis.acl_check_cmd(). Errors: the command does not exist.
  [[nodiscard]] virtual Result<bool> may_run(std::span<const std::string_view> args) = 0;
  /// redis.set_repl(). Until it is called, everything is recorded for all.
  virtual void record_for(command::Recipients recipients) = 0;
  /// What the run replies is an error that a call of it has replied before.
  virtual void error_was_counted() = 0;
  /// Called every so many instructions of a script that runs for some milliseconds; kKill ends it.
  enum class Verdict : std::uint8_t { kGoOn, kKill };
  [[nodiscard]] virtual Verdict tick() = 0;
};

/// A function that a library registered.
struct FunctionInfo {
  std::string name;
  std::string description;  // empty: none
  ScriptFlag flags = ScriptFlag::kNone;
};

class Interpreter {
 public:
  /// Both must outlive it.
  Interpreter(Rng& rng, Watchdog& watchdog);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// One run: who is asked, with what, and where the reply goes.
  struct Run {
    ScriptPort& port;
    std::span<const std::string_view> keys;
    std::span<const std::string_view> args;
    resp::Encoder& reply;
  };

  /// Compiles the body of a script under its SHA-1 (40 hex digits); nothing to do when it is there. Errors: the
  /// compiler's message, as a client gets it.
  [[nodiscard]] Result<void> compile(const std::string& sha, std::string_view body);
  [[nodiscard]] bool compiled(const std::string& sha) const { return scripts_.contains(sha); }
  /// Runs a compiled script and writes its reply.
  void run_script(const std::string& sha, const Run& run);
  /// Forgets all scripts.
  void forget_scripts();

  /// Runs the code of a library, which registers its functions, and keeps them under the library's name. Errors: their
  /// text goes to the client; the library that had the name is then gone. `port.tick()` bounds the time.
  [[nodiscard]] Result<std::vector<FunctionInfo>> load_library(const std::string& name, std::string_view body,
                                                               ScriptPort& port);
  void forget_library(const std::string& name);
  /// Runs a function of a library that is loaded; replies with an error when the library did not register it.
  void run_function(const std::string& library, const std::string& function, const Run& run);

  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  friend struct Api;
  struct Library {
    std::unordered_map<std::string, int> functions;  // references in the registry
  };

  void build();
  /// What libraries see as global: little while they are loaded, what every script sees later.
  enum class Phase : std::uint8_t { kLoading, kRunning };
  void enter(Phase phase);
  void finish(int status, std::string_view name, const Run& run);
  void begin(ScriptPort& port);
  void stop_counting();
  void end();

  lua_State* lua_ = nullptr;
  Rng& rng_;
  Watchdog::Watch watch_;
  std::unordered_map<std::string, int> scripts_;
  std::unordered_map<std::string, Library> libraries_;

  // Of the present run.
  ScriptPort* port_ = nullptr;
  resp::Version version_ = resp::Version::kResp2;  // of replies of redis.call(); redis.setresp()
  bool killed_ = false;
  ByteBuffer reply_bytes_;
  /// While a library is loaded: what it has registered so far.
  struct Loading {
    std::vector<FunctionInfo> functions;
    Library library;
  };
  Loading* loading_ = nullptr;
};

}  // namespace ashlar::script
