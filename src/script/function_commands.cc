#include <fmt/format.h>

#include <array>

#include "base/bytes.h"
#include "command/arg_parser.h"
#include "script/commands.h"

namespace ashlar::script {

using namespace command;
using OnConflict = FunctionCatalog::OnConflict;

namespace {

constexpr CommandSpec kFunction{.name = "function",
                                .arity = at_least(2),
                                .group = Group::kScripting,
                                .since = "7.0.0",
                                .complexity = "Depends on subcommand.",
                                .summary = "Holds the commands on function libraries."};

constexpr CommandSpec writing(std::string_view name, Arity arity, std::string_view complexity, std::string_view summary,
                              std::string_view syntax, Flag more = Flag::kNone) {
  return {.name = name,
          .arity = arity,
          .flags = Flag::kWrite | Flag::kNoScript | more,
          .group = Group::kScripting,
          .categories = Category::kScripting,
          .since = "7.0.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .tips = "request_policy:all_shards,response_policy:all_succeeded"};
}
constexpr CommandSpec kLoad =
    writing("function|load", at_least(3), "O(1), beside the time that compiling takes.",
            "Compiles a library of functions and keeps it.", "[REPLACE] function-code", Flag::kDenyOom);
constexpr CommandSpec kDelete =
    writing("function|delete", exactly(3), "O(1)", "Removes a library and its functions.", "library-name");
constexpr CommandSpec kRestore = writing("function|restore", at_least(3), "O(N) where N is the number of functions.",
                                         "Loads libraries in the form that FUNCTION DUMP gives.",
                                         "serialized-value [FLUSH | APPEND | REPLACE]", Flag::kDenyOom);
constexpr CommandSpec kFlush = writing("function|flush", at_least(2), "O(N) where N is the number of functions.",
                                       "Removes all libraries.", "[ASYNC | SYNC]");

constexpr CommandSpec reading(std::string_view name, Arity arity, std::string_view complexity, std::string_view summary,
                              std::string_view syntax, Flag more = Flag::kNone) {
  return {.name = name,
          .arity = arity,
          .flags = Flag::kNoScript | more,
          .group = Group::kScripting,
          .categories = Category::kScripting,
          .since = "7.0.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax};
}
constexpr CommandSpec kList =
    reading("function|list", at_least(2), "O(N) where N is the number of functions.", "Describes the loaded libraries.",
            "[LIBRARYNAME library-name-pattern] [WITHCODE]");
constexpr CommandSpec kDump = reading("function|dump", exactly(2), "O(N) where N is the number of functions.",
                                      "Gives all libraries in a serialised form.", "");
constexpr CommandSpec kStats = reading("function|stats", exactly(2), "O(1)",
                                       "Tells about the running function and the engines.", "", Flag::kAllowBusy);
constexpr CommandSpec kKill = reading("function|kill", exactly(2), "O(1)",
                                      "Ends the running function if it has not written yet.", "", Flag::kAllowBusy);
constexpr CommandSpec kHelp = reading("function|help", exactly(2), "O(1)", "Lists the subcommands of FUNCTION.", "",
                                      Flag::kLoading | Flag::kStale);

constexpr std::array<std::string_view, 20> kHelpLines = {
    "FUNCTION <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "LOAD [REPLACE] <code>",
    "    Compile a library and keep it; REPLACE one of the same name.",
    "DELETE <library>",
    "    Remove a library.",
    "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
    "    Describe libraries, with their code if wanted.",
    "STATS",
    "    The running function, and how many libraries and functions there are.",
    "KILL",
    "    End the running function, unless it has written.",
    "FLUSH [ASYNC|SYNC]",
    "    Remove all libraries.",
    "DUMP",
    "    All libraries in serialised form.",
    "RESTORE <payload> [FLUSH|APPEND|REPLACE]",
    "    Load such a form. APPEND, the default, refuses names that are taken; FLUSH removes",
    "    everything first; REPLACE takes over names.",
    "HELP",
    "    Print this help.",
};
void help(Context& ctx) {
  ctx.reply.array(kHelpLines.size());
  for (const std::string_view line : kHelpLines) ctx.reply.simple(line);
}

/// A library that runs its own code while it is loaded: nothing may be called, and it must end.
class LoadPort final : public ScriptPort {
 public:
  explicit LoadPort(const Clock& clock) : clock_(clock), began_(clock.mono()) {}
  void call(std::span<const std::string_view>, resp::Encoder& reply) override {
    reply.error_line("ERR redis.call/pcall can only be called inside a script invocation");
  }
  Result<bool> may_run(std::span<const std::string_view>) override { return false; }
  void record_for(Recipients) override {}
  void error_was_counted() override {}
  Verdict tick() override { return clock_.mono() - began_ > kLimit ? Verdict::kKill : Verdict::kGoOn; }

 private:
  static constexpr Millis kLimit{500};  // as Redis: loading only registers functions
  const Clock& clock_;
  MonoTime began_;
};

void wrong_arguments(Context& ctx) {
  ctx.error(fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try FUNCTION HELP.", ctx.args[1]));
}

void write_function(Context& ctx, const FunctionInfo& function) {
  ctx.reply.map(3);
  ctx.reply.bulk("name");
  ctx.reply.bulk(function.name);
  ctx.reply.bulk("description");
  function.description.empty() ? ctx.reply.null() : ctx.reply.bulk(function.description);
  ctx.reply.bulk("flags");
  const resp::Deferred flags = ctx.reply.begin_set();
  std::size_t n = 0;
  for (const ScriptFlag flag : kUserFlags) {
    if (!has(function.flags, flag)) continue;
    ctx.reply.simple(flag_name(flag));
    ++n;
  }
  ctx.reply.end(flags, n);
}

bool valid_library_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Result<LibraryRef> ScriptCommands::build_library(std::string_view code) {
  ASH_TRY(const Shebang line, read_library_shebang(code));
  if (!valid_library_name(line.name)) {
    return fail(
        "Library names can only contain letters, numbers, or underscores(_) and must be at least one character long");
  }
  auto library = std::make_shared<FunctionLibrary>();
  library->name = line.name;
  library->code = code;
  library->body_at = static_cast<std::size_t>(line.body.data() - code.data());
  // Compiled by an interpreter of its own, so that a library that is refused leaves no trace in those that are used.
  const auto seat = pool_.make_seat(0);
  LoadPort port(parts_.clock);
  ASH_TRY(library->functions, seat->interpreter.load_library(library->name, library->body(), port));
  return library;
}

Result<std::string> ScriptCommands::load_library(std::string_view code, OnConflict on_conflict) {
  ASH_TRY(LibraryRef library, build_library(code));
  std::string name = library->name;
  ASH_TRY_VOID(functions_.add(std::move(library), on_conflict));
  return name;
}

std::vector<std::string> ScriptCommands::codes() const {
  std::vector<std::string> codes;
  for (const LibraryRef& library : functions_.all()) codes.push_back(library->code);
  return codes;
}

Result<void> ScriptCommands::load(std::string_view code) {
  ASH_TRY([[maybe_unused]] const std::string name, load_library(code, OnConflict::kReplace));
  return {};
}

void ScriptCommands::function_load(Context& ctx) {
  OnConflict on_conflict = OnConflict::kRefuse;
  for (std::size_t i = 2; i + 1 < ctx.args.size(); ++i) {
    if (!iequals(ctx.args[i], "REPLACE")) return ctx.error(fmt::format("Unknown option given: {}", ctx.args[i]));
    on_conflict = OnConflict::kReplace;
  }
  const auto name = load_library(ctx.args.back(), on_conflict);
  if (!name) return ctx.error(name.error());
  ctx.effects.changed();
  ctx.reply.bulk(*name);
}

void ScriptCommands::function_delete(Context& ctx) {
  if (!functions_.remove(ctx.args[2])) return ctx.error("Library not found");
  ctx.effects.changed();
  ctx.reply.ok();
}

void ScriptCommands::function_flush(Context& ctx) {
  if (ctx.args.size() > 3) return wrong_arguments(ctx);
  const bool known = ctx.args.size() == 2 || iequals(ctx.args[2], "ASYNC") || iequals(ctx.args[2], "SYNC");
  if (!known) return ctx.error("FUNCTION FLUSH only supports SYNC|ASYNC option");
  functions_.clear();
  pool_.drop_idle();
  ctx.effects.changed();
  ctx.reply.ok();
}

void ScriptCommands::function_list(Context& ctx) {
  std::optional<std::string_view> pattern;
  bool with_code = false;
  for (std::size_t i = 2; i < ctx.args.size(); ++i) {
    if (!with_code && iequals(ctx.args[i], "WITHCODE")) {
      with_code = true;
    } else if (!pattern && iequals(ctx.args[i], "LIBRARYNAME")) {
      if (++i >= ctx.args.size()) return ctx.error("library name argument was not given");
      pattern = ctx.args[i];
    } else {
      return ctx.error(fmt::format("Unknown argument {}", ctx.args[i]));
    }
  }
  const resp::Deferred list = ctx.reply.begin_array();
  std::size_t n = 0;
  for (const LibraryRef& library : functions_.all()) {
    if (pattern && !glob_match(*pattern, library->name, Case::kInsensitive)) continue;
    ++n;
    ctx.reply.map(with_code ? 4 : 3);
    ctx.reply.bulk("library_name");
    ctx.reply.bulk(library->name);
    ctx.reply.bulk("engine");
    ctx.reply.bulk("LUA");
    ctx.reply.bulk("functions");
    ctx.reply.array(library->functions.size());
    for (const FunctionInfo& function : library->functions) write_function(ctx, function);
    if (!with_code) continue;
    ctx.reply.bulk("library_code");
    ctx.reply.bulk(library->code);
  }
  ctx.reply.end(list, n);
}

void ScriptCommands::function_dump(Context& ctx) {
  const std::vector<LibraryRef> all = functions_.all();
  std::vector<std::string_view> codes;
  codes.reserve(all.size());
  for (const LibraryRef& library : all) codes.push_back(library->code);
  ctx.reply.bulk(parts_.dump(codes));
}

void ScriptCommands::function_restore(Context& ctx) {
  enum class Policy : std::uint8_t { kAppend, kReplace, kFlush } policy = Policy::kAppend;
  if (ctx.args.size() > 4) return wrong_arguments(ctx);
  if (ctx.args.size() == 4) {
    if (iequals(ctx.args[3], "REPLACE")) {
      policy = Policy::kReplace;
    } else if (iequals(ctx.args[3], "FLUSH")) {
      policy = Policy::kFlush;
    } else if (!iequals(ctx.args[3], "APPEND")) {
      return ctx.error("Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
  }
  const auto codes = parts_.restore(ctx.args[2]);
  if (!codes) return ctx.error(codes.error());
  // All or none: what is there and what comes make the new whole.
  std::vector<LibraryRef> fresh;
  for (const std::string& code : *codes) {
    auto library = build_library(code);
    if (!library) return ctx.error(library.error());
    fresh.push_back(std::move(*library));
  }
  std::vector<LibraryRef> whole;
  if (policy != Policy::kFlush) {
    for (const LibraryRef& old : functions_.all()) {
      const bool replaced =
          std::ranges::any_of(fresh, [&](const LibraryRef& library) { return library->name == old->name; });
      if (replaced && policy == Policy::kAppend) return ctx.error(fmt::format("Library {} already exists", old->name));
      if (!replaced) whole.push_back(old);
    }
  }
  whole.insert(whole.end(), fresh.begin(), fresh.end());
  if (const auto done = functions_.replace_all(std::move(whole)); !done) return ctx.error(done.error());
  ctx.effects.changed();
  ctx.reply.ok();
}

void ScriptCommands::function_kill(Context& ctx) { kill(ctx, Kind::kFunction); }

void ScriptCommands::function_stats(Context& ctx) {
  const auto running = running_.oldest();
  if (running != nullptr && running->kind == Kind::kScript && running->overdue) {
    return ctx.reply.error_line(running_.busy_text());
  }
  ctx.reply.map(2);
  ctx.reply.bulk("running_script");
  if (running == nullptr || running->kind != Kind::kFunction) {
    ctx.reply.null();
  } else {
    ctx.reply.map(3);
    ctx.reply.bulk("name");
    ctx.reply.bulk(running->name);
    ctx.reply.bulk("command");
    ctx.reply.array(running->command.size());
    for (const std::string& arg : running->command) ctx.reply.bulk(arg);
    ctx.reply.bulk("duration_ms");
    ctx.reply.integer(std::chrono::duration_cast<Millis>(parts_.clock.mono() - running->started).count());
  }
  ctx.reply.bulk("engines");
  ctx.reply.map(1);
  ctx.reply.bulk("LUA");
  const std::vector<LibraryRef> all = functions_.all();
  std::size_t functions = 0;
  for (const LibraryRef& library : all) functions += library->functions.size();
  ctx.reply.map(2);
  ctx.reply.bulk("libraries_count");
  ctx.reply.integer(static_cast<std::int64_t>(all.size()));
  ctx.reply.bulk("functions_count");
  ctx.reply.integer(static_cast<std::int64_t>(functions));
}

void register_function_commands(CommandTable& table, ScriptCommands& commands) {
  table.add_container(kFunction);
  table.add(kLoad, Handler::bind<&ScriptCommands::function_load>(commands));
  table.add(kDelete, Handler::bind<&ScriptCommands::function_delete>(commands));
  table.add(kFlush, Handler::bind<&ScriptCommands::function_flush>(commands));
  table.add(kList, Handler::bind<&ScriptCommands::function_list>(commands));
  table.add(kDump, Handler::bind<&ScriptCommands::function_dump>(commands));
  table.add(kRestore, Handler::bind<&ScriptCommands::function_restore>(commands));
  table.add(kKill, Handler::bind<&ScriptCommands::function_kill>(commands));
  table.add(kStats, Handler::bind<&ScriptCommands::function_stats>(commands));
  table.add(kHelp, &help);
}

}  // namespace ashlar::script
