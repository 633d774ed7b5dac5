/// The commands of the group "scripting": EVAL and its relatives, SCRIPT, FUNCTION, FCALL.
///
/// A script runs under the slots of its declared keys in a cluster, and with the whole key space to itself otherwise,
/// since there it may reach any key. Its effects enter the change log as one. Thread: register_in() by one; the
/// handlers by any.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>

#include "base/time.h"
#include "command/table.h"
#include "keyspace/function_store.h"
#include "script/pool.h"
#include "script/running.h"

namespace ashlar::script {

class ScriptCommands final : public keyspace::FunctionStore {
 public:
  enum class Mode : std::uint8_t { kStandalone, kCluster };
  struct Parts {
    const Clock& clock;
    Mode mode = Mode::kStandalone;
    /// The serialised form of all libraries, FUNCTION DUMP, which a higher rank knows; and back to their codes. Errors:
    /// wrong version or checksum, bad data.
    std::string (*dump)(const std::vector<std::string_view>& codes) = nullptr;
    Result<std::vector<std::string>> (*restore)(std::string_view payload) = nullptr;
  };
  explicit ScriptCommands(const Parts& parts) : parts_(parts) {}

  void register_in(command::CommandTable& table);

  /// How a server that is busy with a script keeps answering: called about every 50 ms of an overdue script, on its
  /// thread. Set before the loops start.
  void while_overdue(std::function<void(command::Session&)> serve) { serve_ = std::move(serve); }
  /// When no overdue script runs any more; on the thread of the last one. Set before the loops start.
  void after_overdue(std::function<void()> ended) { overdue_ended_ = std::move(ended); }
  /// Whether this is a replica that lost its primary and does not serve stale data.
  enum class Staleness : std::uint8_t { kFresh, kStale };
  void staleness(std::function<Staleness()> ask) { staleness_ = std::move(ask); }
  void permissions(std::function<Result<bool>(command::Session&, std::span<const std::string_view>)> ask) {
    permissions_ = std::move(ask);
  }
  /// `busy-reply-threshold`; zero or less: never overdue.
  void set_busy_threshold(Millis threshold) noexcept {
    constexpr Millis kLongest{10'000'000'000'000};  // longer ones do not fit into microseconds
    busy_threshold_ms_.store(std::min(threshold, kLongest).count());
  }

  /// The flags of a command of the EVAL and FCALL families with these arguments: those of `spec`, or, when its script
  /// says what it does, those that follow from that. What args[1] is, text, digest or function, shows by itself.
  [[nodiscard]] command::Flag flags_of(const command::CommandSpec& spec, std::span<const std::string_view> args) const;
  /// Ends all scripts, whatever they have done, without recording it: the server ends and saves nothing.
  void abandon_all() { running_.abandon_all(); }

  [[nodiscard]] FunctionCatalog& functions() noexcept { return functions_; }
  [[nodiscard]] const ScriptCache& scripts() const noexcept { return scripts_; }
  [[nodiscard]] const RunningScripts& running() const noexcept { return running_; }
  [[nodiscard]] std::size_t memory_bytes() const { return pool_.memory_bytes(); }
  // FunctionStore: libraries from files and from a primary.
  [[nodiscard]] std::vector<std::string> codes() const override;
  [[nodiscard]] Result<void> load(std::string_view code) override;
  void clear() override { functions_.clear(); }
  /// Compiles a library and keeps it; its name. Errors: their text goes to the client.
  [[nodiscard]] Result<std::string> load_library(std::string_view code, FunctionCatalog::OnConflict on_conflict);

  // Handlers.
  void eval(command::Context& ctx);
  void evalsha(command::Context& ctx);
  void fcall(command::Context& ctx);
  void script_load(command::Context& ctx);
  void script_exists(command::Context& ctx);
  void script_flush(command::Context& ctx);
  void script_kill(command::Context& ctx);
  void script_show(command::Context& ctx);
  void function_load(command::Context& ctx);
  void function_delete(command::Context& ctx);
  void function_list(command::Context& ctx);
  void function_dump(command::Context& ctx);
  void function_restore(command::Context& ctx);
  void function_flush(command::Context& ctx);
  void function_kill(command::Context& ctx);
  void function_stats(command::Context& ctx);

 private:
  /// What is run, whatever its kind.
  struct Job {
    Kind kind;
    std::string name;
    ScriptFlag flags;
    std::function<void(const Interpreter::Run&)> run;
  };
  [[nodiscard]] Result<std::shared_ptr<const Script>> remember(std::string_view text);
  [[nodiscard]] Result<LibraryRef> build_library(std::string_view code);
  void run_cached(command::Context& ctx, const std::shared_ptr<const Script>& script);
  void run(command::Context& ctx, const Job& job);
  [[nodiscard]] std::optional<Error> refused(const command::Context& ctx, ScriptFlag flags, bool read_only) const;
  void kill(command::Context& ctx, Kind kind);

  Parts parts_;
  ScriptCache scripts_;
  FunctionCatalog functions_;
  InterpreterPool pool_;
  RunningScripts running_;
  std::function<void(command::Session&)> serve_;
  std::function<void()> overdue_ended_;
  std::function<Staleness()> staleness_;
  std::function<Result<bool>(command::Session&, std::span<const std::string_view>)> permissions_;
  std::atomic<std::int64_t> busy_threshold_ms_{5000};
};

/// Registration by source file.
void register_eval_commands(command::CommandTable& table, ScriptCommands& commands);
void register_script_commands(command::CommandTable& table, ScriptCommands& commands);
void register_function_commands(command::CommandTable& table, ScriptCommands& commands);

}  // namespace ashlar::script
