#include <fmt/format.h>

#include "base/bytes.h"
#include "script/commands.h"
#include "script/sha1.h"

namespace ashlar::script {

using namespace command;

namespace {

constexpr Flag kEvalFlags = Flag::kNoScript | Flag::kStale | Flag::kSkipMonitor | Flag::kMayReplicate |
                            Flag::kNoMandatoryKeys | Flag::kComposite;
constexpr Flag kEvalRoFlags = kEvalFlags | Flag::kReadOnly;

constexpr KeySpec declared_keys(KeyAccess access, KeyAction action) {
  return {.begin = KeySpec::Begin::kIndex,
          .index = 2,
          .find = KeySpec::Find::kKeyNum,
          .step = 1,
          .keynum_index = 0,
          .first_key = 1,
          .access = access,
          .action = action};
}
constexpr KeySpec kWrites = declared_keys(KeyAccess::kRW, KeyAction::kAccess | KeyAction::kUpdate);
constexpr KeySpec kReads = declared_keys(KeyAccess::kRO, KeyAction::kAccess);

constexpr CommandSpec kEval{.name = "eval",
                            .arity = at_least(3),
                            .flags = kEvalFlags,
                            .group = Group::kScripting,
                            .categories = Category::kScripting,
                            .keys = {kWrites},
                            .since = "2.6.0",
                            .complexity = "Depends on the script that is executed.",
                            .summary = "Runs a Lua script on the server.",
                            .syntax = "script numkeys [key [key ...]] [arg [arg ...]]"};
constexpr CommandSpec kEvalRo{.name = "eval_ro",
                              .arity = at_least(3),
                              .flags = kEvalRoFlags,
                              .group = Group::kScripting,
                              .categories = Category::kScripting,
                              .keys = {kReads},
                              .since = "7.0.0",
                              .complexity = "Depends on the script that is executed.",
                              .summary = "Runs a Lua script that may not write.",
                              .syntax = "script numkeys [key [key ...]] [arg [arg ...]]"};
constexpr CommandSpec kEvalSha{.name = "evalsha",
                               .arity = at_least(3),
                               .flags = kEvalFlags,
                               .group = Group::kScripting,
                               .categories = Category::kScripting,
                               .keys = {kWrites},
                               .since = "2.6.0",
                               .complexity = "Depends on the script that is executed.",
                               .summary = "Runs a Lua script that the server knows, by its SHA1 digest.",
                               .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]"};
constexpr CommandSpec kEvalShaRo{.name = "evalsha_ro",
                                 .arity = at_least(3),
                                 .flags = kEvalRoFlags,
                                 .group = Group::kScripting,
                                 .categories = Category::kScripting,
                                 .keys = {kReads},
                                 .since = "7.0.0",
                                 .complexity = "Depends on the script that is executed.",
                                 .summary = "Runs a Lua script that the server knows and that may not write.",
                                 .syntax = "sha1 numkeys [key [key ...]] [arg [arg ...]]"};
constexpr CommandSpec kFcall{.name = "fcall",
                             .arity = at_least(3),
                             .flags = kEvalFlags,
                             .group = Group::kScripting,
                             .categories = Category::kScripting,
                             .keys = {kWrites},
                             .since = "7.0.0",
                             .complexity = "Depends on the function that is executed.",
                             .summary = "Calls a function of a loaded library.",
                             .syntax = "function numkeys [key [key ...]] [arg [arg ...]]"};
constexpr CommandSpec kFcallRo{.name = "fcall_ro",
                               .arity = at_least(3),
                               .flags = kEvalRoFlags,
                               .group = Group::kScripting,
                               .categories = Category::kScripting,
                               .keys = {kReads},
                               .since = "7.0.0",
                               .complexity = "Depends on the function that is executed.",
                               .summary = "Calls a function of a loaded library that may not write.",
                               .syntax = "function numkeys [key [key ...]] [arg [arg ...]]"};

/// The client's connection as commands of a script see it: what they change of it ends with the script.
class ScriptSession final : public Session {
 public:
  explicit ScriptSession(const Session& of) : Session(of.origin()) {
    id = of.id;
    db = of.db;
    name = of.name;
    become(of.user());
    authenticated = of.authenticated;
    cluster_readonly = of.cluster_readonly;
    asking = of.asking;
    no_touch = of.no_touch;
    in_transaction = true;
    in_script = true;
  }
};

/// What scripts are told when a command may not run.
std::string text_of(const Refusal& refusal) {
  using Reason = Refusal::Reason;
  switch (refusal.reason) {
    case Reason::kUnknown: return "ERR Unknown Redis command called from script";
    case Reason::kArity: return "ERR Wrong number of args calling Redis command from script";
    case Reason::kNotAllowed: return "ERR This Redis command is not allowed from script";
    case Reason::kWrite: return "ERR Write commands are not allowed from read-only scripts.";
    case Reason::kPermission: return fmt::format("ERR ACL failure in script: {}", refusal.error.text());
    case Reason::kForeignSlot: return "ERR Script attempted to access a non local key in a cluster node";
    case Reason::kStale: return "ERR Can not execute the command on a stale replica";
    case Reason::kUndeclared: return "ERR Script attempted to access keys that do not hash to the same slot";
    default: return refusal.error.resp_text();
  }
}

/// A run as the interpreter sees it.
class Port final : public ScriptPort {
 public:
  struct Parts {
    Context& ctx;
    ScriptCalls& calls;
    ScriptFlag flags;
    Caller caller;
    const Clock& clock;
    RunningScripts& running;
    RunningScript& self;
    Millis busy_threshold;
    const std::function<void(Session&)>& serve;
    const std::function<Result<bool>(Session&, std::span<const std::string_view>)>& permissions;
  };
  explicit Port(const Parts& parts) : parts_(parts), session_(parts.ctx.session) {
    if (has(parts.flags, ScriptFlag::kAllowOom)) parts.calls.ask_for_memory(ScriptCalls::Memory::kNotAsked);
    if (keeps_to_a_slot()) {
      const auto& keys = parts.ctx.keys;
      parts.calls.keep_to(ScriptCalls::Slots::kOne, keys.empty() ? std::nullopt : std::optional(keys[0].slot));
    }
  }
  ~Port() override {
    if (limited_) parts_.calls.record_for(Recipients::kAll);
    if (has(parts_.flags, ScriptFlag::kAllowOom)) parts_.calls.ask_for_memory(ScriptCalls::Memory::kAsked);
    if (keeps_to_a_slot()) parts_.calls.keep_to(ScriptCalls::Slots::kAny, std::nullopt);
  }

  void call(std::span<const std::string_view> args, resp::Encoder& reply) override {
    const auto refused = parts_.ctx.inner().call(args, session_, reply, parts_.caller);
    if (refused) return reply.error_line(text_of(*refused));
    // DEBUG lets everything run that is not for scripts.
    if (reply.output().empty()) return reply.error_line("ERR A script cannot wait for the reply of this command");
    if (!parts_.self.wrote.load(std::memory_order_relaxed) && parts_.ctx.inner().has_written())
      parts_.self.wrote = true;
  }
  Result<bool> may_run(std::span<const std::string_view> args) override {
    const Command* command = parts_.ctx.inner().find(args);
    if (command == nullptr) return fail("no such command");
    return parts_.permissions ? parts_.permissions(session_, args) : Result<bool>(true);
  }
  void record_for(Recipients recipients) override {
    limited_ = true;
    parts_.calls.record_for(recipients);
  }
  void error_was_counted() override { parts_.calls.error_is_counted(); }
  Verdict tick() override {
    if (parts_.self.killed.load(std::memory_order_relaxed)) return Verdict::kKill;
    if (parts_.busy_threshold.count() <= 0) return Verdict::kGoOn;
    const MonoTime now = parts_.clock.mono();
    if (now - parts_.self.started < parts_.busy_threshold || now < next_serve_) return Verdict::kGoOn;
    parts_.running.mark_overdue(parts_.self);
    if (parts_.serve) parts_.serve(parts_.ctx.session);
    next_serve_ = parts_.clock.mono() + kServePeriod;
    return parts_.self.killed.load(std::memory_order_relaxed) ? Verdict::kKill : Verdict::kGoOn;
  }

 private:
  static constexpr Millis kServePeriod{50};
  [[nodiscard]] bool keeps_to_a_slot() const noexcept {
    return !has(parts_.flags, ScriptFlag::kCompatible) && !has(parts_.flags, ScriptFlag::kAllowCrossSlotKeys);
  }
  Parts parts_;
  ScriptSession session_;
  MonoTime next_serve_{};
  bool limited_ = false;
};

/// The number of keys that the command declares. Errors: as Redis words them.
Result<std::size_t> key_count(const Context& ctx, Kind kind) {
  const auto count = parse_i64(ctx.args[2]);
  if (!count && kind == Kind::kFunction) return fail("Bad number of keys provided");
  if (!count) return fail(ErrorCode::kNotInteger);
  if (*count > static_cast<std::int64_t>(ctx.args.size() - 3))
    return fail("Number of keys can't be greater than number of args");
  if (*count < 0) return fail("Number of keys can't be negative");
  return static_cast<std::size_t>(*count);
}

}  // namespace

Flag ScriptCommands::flags_of(const CommandSpec& spec, std::span<const std::string_view> args) const {
  constexpr auto kReplaced =
      static_cast<std::uint32_t>(Flag::kStale | Flag::kDenyOom | Flag::kWrite | Flag::kMayReplicate);
  constexpr std::size_t kDigestLength = 40;
  ScriptFlag said = ScriptFlag::kCompatible;
  if (args[1].starts_with("#!")) {
    if (const auto line = read_script_shebang(args[1])) said = line->flags;
  } else if (const auto script = args[1].size() == kDigestLength ? scripts_.find(args[1]) : nullptr) {
    said = script->flags;
  } else if (const auto function = functions_.find(args[1])) {
    said = function->function->flags;
  }
  if (has(said, ScriptFlag::kCompatible)) {
    constexpr auto kReplicates = static_cast<std::uint32_t>(Flag::kMayReplicate);
    return spec.is(Flag::kReadOnly) ? static_cast<Flag>(static_cast<std::uint32_t>(spec.flags) & ~kReplicates)
                                    : spec.flags;
  }
  auto flags = static_cast<Flag>(static_cast<std::uint32_t>(spec.flags) & ~kReplaced);
  if (!has(said, ScriptFlag::kNoWrites)) flags = flags | Flag::kWrite;
  if (!has(said, ScriptFlag::kNoWrites) && !has(said, ScriptFlag::kAllowOom)) flags = flags | Flag::kDenyOom;
  if (has(said, ScriptFlag::kAllowStale)) flags = flags | Flag::kStale;
  return flags;
}

/// What the dispatcher has not asked before, by flags_of().
std::optional<Error> ScriptCommands::refused(const Context& ctx, ScriptFlag flags, bool read_only) const {
  if (ctx.session.origin() != Origin::kClient) return std::nullopt;
  if (has(flags, ScriptFlag::kCompatible)) {
    const bool stale = staleness_ && staleness_() == Staleness::kStale;
    return stale ? std::optional(Error{ErrorCode::kMasterDown, {}}) : std::nullopt;
  }
  if (has(flags, ScriptFlag::kNoCluster) && parts_.mode == Mode::kCluster) {
    return Error{ErrorCode::kGeneric, "Can not run script on cluster, 'no-cluster' flag is set."};
  }
  if (read_only && !has(flags, ScriptFlag::kNoWrites)) {
    return Error{ErrorCode::kGeneric, "Can not execute a script with write flag using *_ro command."};
  }
  return std::nullopt;
}

void ScriptCommands::run(Context& ctx, const Job& job) {
  const auto keys = key_count(ctx, job.kind);
  if (!keys) return ctx.error(keys.error());
  const bool read_only = ctx.spec.is(Flag::kReadOnly);
  if (const auto error = refused(ctx, job.flags, read_only)) return ctx.error(*error);
  const bool reads = read_only || has(job.flags, ScriptFlag::kNoWrites);

  auto self = std::make_shared<RunningScript>();
  self->kind = job.kind;
  self->name = job.name;
  self->command.reserve(ctx.args.size());
  for (const std::string_view arg : ctx.args) self->command.emplace_back(arg);
  self->unkillable = ctx.session.origin() != Origin::kClient;

  using Extent = GroupScope::Extent;
  // One that says nothing of itself is not known to write: on a replica its reads are served.
  const Flag may = reads                                     ? Flag::kReadOnly
                   : has(job.flags, ScriptFlag::kCompatible) ? Flag::kMayReplicate
                                                             : Flag::kWrite;
  // A script without keys may go wherever it likes when nothing says which slots it will touch.
  const bool whole =
      parts_.mode == Mode::kStandalone || ctx.keys.empty() || has(job.flags, ScriptFlag::kAllowCrossSlotKeys);
  const GroupScope scope{
      .extent = whole ? Extent::kWholeKeyspace : Extent::kKeys, .keys = ctx.keys, .routed = ctx.keys, .flags = may};
  auto* calls = dynamic_cast<ScriptCalls*>(&ctx.inner());
  ASH_CHECK(calls != nullptr);
  (void)ctx.inner().group(ctx, scope, [&] {
    self->started = parts_.clock.mono();
    running_.add(self);
    Port port({ctx, *calls, job.flags, reads ? Caller::kReadOnlyScript : Caller::kScript, parts_.clock, running_, *self,
               Millis(busy_threshold_ms_.load(std::memory_order_relaxed)), serve_, permissions_});
    job.run({port, ctx.args.subspan(3, *keys), ctx.args.subspan(3 + *keys), ctx.reply});
    if (running_.remove(*self) == RunningScripts::Left::kNoOverdue && overdue_ended_) overdue_ended_();
    if (self->abandoned) calls->drop_effects();
  });
}

Result<std::shared_ptr<const Script>> ScriptCommands::remember(std::string_view text) {
  if (auto known = scripts_.find_text(text)) return known;
  const auto digest = sha1_hex(text);
  const std::string_view sha(digest.data(), digest.size());
  if (auto known = scripts_.find(sha)) return known;
  ASH_TRY(const Shebang line, read_script_shebang(text));
  auto script = std::make_shared<Script>();
  script->sha = sha;
  script->text = text;
  script->body_at = static_cast<std::size_t>(line.body.data() - text.data());
  script->flags = line.flags;
  const InterpreterPool::Loan seat = pool_.borrow();
  ASH_TRY_VOID(seat->interpreter.compile(script->sha, script->body()));
  scripts_.add(script);
  return script;
}

void ScriptCommands::run_cached(Context& ctx, const std::shared_ptr<const Script>& script) {
  run(ctx, {Kind::kScript, script->sha, script->flags, [&](const Interpreter::Run& run) {
              const InterpreterPool::Loan seat = pool_.borrow();
              seat->keep_scripts_of(scripts_.epoch());
              if (const auto compiled = seat->interpreter.compile(script->sha, script->body()); !compiled) {
                return run.reply.error(compiled.error());
              }
              seat->interpreter.run_script(script->sha, run);
            }});
}

void ScriptCommands::eval(Context& ctx) {
  const auto script = remember(ctx.args[1]);
  if (!script) return ctx.error(script.error());
  run_cached(ctx, *script);
}

void ScriptCommands::evalsha(Context& ctx) {
  const auto script = ctx.args[1].size() == 40 ? scripts_.find(ctx.args[1]) : nullptr;
  if (script == nullptr) return ctx.reply.error_line("NOSCRIPT No matching script. Please use EVAL.");
  run_cached(ctx, script);
}

void ScriptCommands::fcall(Context& ctx) {
  const auto found = functions_.find(ctx.args[1]);
  if (!found) return ctx.error("Function not found");
  run(ctx, {Kind::kFunction, found->function->name, found->function->flags, [&](const Interpreter::Run& run) {
              const InterpreterPool::Loan seat = pool_.borrow();
              LibraryRef& loaded = seat->libraries[found->library->name];
              if (loaded != found->library) {
                loaded = nullptr;
                const auto functions =
                    seat->interpreter.load_library(found->library->name, found->library->body(), run.port);
                if (!functions) return run.reply.error(functions.error());
                loaded = found->library;
              }
              seat->interpreter.run_function(found->library->name, found->function->name, run);
            }});
}

void register_eval_commands(CommandTable& table, ScriptCommands& commands) {
  table.add(kEval, Handler::bind<&ScriptCommands::eval>(commands));
  table.add(kEvalRo, Handler::bind<&ScriptCommands::eval>(commands));
  table.add(kEvalSha, Handler::bind<&ScriptCommands::evalsha>(commands));
  table.add(kEvalShaRo, Handler::bind<&ScriptCommands::evalsha>(commands));
  table.add(kFcall, Handler::bind<&ScriptCommands::fcall>(commands));
  table.add(kFcallRo, Handler::bind<&ScriptCommands::fcall>(commands));
}

void ScriptCommands::register_in(CommandTable& table) {
  register_eval_commands(table, *this);
  register_script_commands(table, *this);
  register_function_commands(table, *this);
}

}  // namespace ashlar::script
