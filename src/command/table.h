/// All commands of the server: spec and handler by name. Filled once by explicit register_<family>() calls, then
/// constant. Thread: filled by one, then read by any. Cost of a lookup: one hash of at most 8 bytes and the length, one
/// compare.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "command/context.h"
#include "command/spec.h"

namespace ashlar::command {

/// A plain function, or a member of an object that outlives the table.
class Handler {
 public:
  using Function = void (*)(Context&);
  Handler(Function function)
      : call_(&call_function), target_(reinterpret_cast<void*>(function)) {}  // NOLINT: a function is a handler
  template <auto Member, typename T>
  [[nodiscard]] static Handler bind(T& object) {
    return Handler([](void* target, Context& ctx) { (static_cast<T*>(target)->*Member)(ctx); }, &object);
  }
  void operator()(Context& ctx) const { call_(target_, ctx); }

 private:
  using Call = void (*)(void*, Context&);
  Handler(Call call, void* target) : call_(call), target_(target) {}
  static void call_function(void* target, Context& ctx) { reinterpret_cast<Function>(target)(ctx); }
  Call call_;
  void* target_;
};

struct Command {
  CommandSpec spec;
  Handler handler;
  std::uint32_t index = 0;   // position in all(), for per-thread statistics
  std::string display_name;  // what clients call it now (rename-command)
  std::vector<Command*> subcommands = {};
};

class CommandTable {
 public:
  CommandTable();
  /// Adds a command, or a subcommand when the name has a '|' (its container must be there). Programmer error if it
  /// exists.
  void add(const CommandSpec& spec, Handler handler);
  /// A command that has only subcommands. Unknown ones get the usual error and HELP is answered from `help`.
  void add_container(const CommandSpec& spec);

  /// nullptr when unknown. `name` in any case, without subcommand.
  [[nodiscard]] const Command* find(std::string_view name) const noexcept;
  /// The subcommand `name` of a container, or nullptr.
  [[nodiscard]] static const Command* find_sub(const Command& container, std::string_view name) noexcept;
  /// By full name "config|get" or "get"; nullptr when unknown.
  [[nodiscard]] const Command* find_full(std::string_view full_name) const noexcept;

  /// rename-command: an empty new name removes it. Errors: no such command, target exists.
  [[nodiscard]] Result<void> rename(std::string_view name, std::string_view new_name);

  /// All commands and subcommands, in the order of registration; containers included.
  [[nodiscard]] const std::vector<std::unique_ptr<Command>>& all() const noexcept { return all_; }

 private:
  struct Bucket {
    std::uint64_t prefix = 0;  // first 8 bytes, lower case
    const Command* command = nullptr;
    std::uint32_t length = 0;
    bool settled_by_prefix = false;  // a short name of letters: the prefix and the length are all there is to compare
  };
  void rebuild_index();
  std::vector<std::unique_ptr<Command>> all_;
  std::unordered_map<std::string, Command*> by_name_;
  std::vector<Bucket> index_;  // open addressing over length and first eight bytes
};

}  // namespace ashlar::command
