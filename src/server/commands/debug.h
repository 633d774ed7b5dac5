/// DEBUG: what tests need to see and to disturb. Only where `enable-debug-command` allows it. Thread: any loop.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "changelog/change_log.h"
#include "cluster/driver/driver.h"
#include "command/context.h"
#include "command/table.h"
#include "server/config/settings.h"
#include "server/dispatcher.h"
#include "server/persistence.h"
#include "server/run_state.h"

namespace ashlar::server {

class DebugCommands {
 public:
  /// DEBUG CLUSTERLINK KILL.
  struct LinkCut {
    NodeId node;
    cluster::LinkEnds ends = cluster::LinkEnds::kBoth;
  };
  /// All must outlive the family.
  struct Parts {
    keyspace::Keyspace& keyspace;
    changelog::ChangeLog& log;
    Persistence& persistence;
    RunState& state;
    const Published<config::Config>& config;
    std::function<Result<void>()> rewrite_all;  // CONFIG REWRITE with all directives
    std::function<void()> attend_waiters;       // soon, on all loops
    // Nothing happens outside of a cluster.
    std::function<void(const LinkCut&)> cut_links;
    std::function<void(std::optional<std::int64_t> type)> drop_frames;  // as Driver::drop_arriving()
  };
  explicit DebugCommands(const Parts& parts) : parts_(parts) {}
  void register_in(command::CommandTable& table);
  /// What LOADAOF runs commands with; before the loops start.
  void start(Dispatcher& dispatcher);

  void debug(command::Context& ctx);

 private:
  using Handler = void (DebugCommands::*)(command::Context& ctx);
  struct Sub {
    std::string_view name;
    std::size_t least;  // words behind the name
    std::size_t most;
    Handler handler;
    std::string_view help;  // arguments, a line break, what it does
  };
  static std::span<const Sub> subcommands();

  void cluster_link(command::Context& ctx);
  void drop_cluster_frames(command::Context& ctx);
  void digest(command::Context& ctx);
  void digest_value(command::Context& ctx);
  void config_rewrite(command::Context& ctx);
  void error(command::Context& ctx);
  void help(command::Context& ctx);
  void load_aof(command::Context& ctx);
  void log(command::Context& ctx);
  void object(command::Context& ctx);
  void panic(command::Context& ctx);
  void pause_cron(command::Context& ctx);
  void populate(command::Context& ctx);
  void protocol(command::Context& ctx);
  void quicklist_packed_threshold(command::Context& ctx);
  void reload(command::Context& ctx);
  void replicate(command::Context& ctx);
  void reply_buffer(command::Context& ctx);
  void segfault(command::Context& ctx);
  void set_active_expire(command::Context& ctx);
  void set_disable_deny_scripts(command::Context& ctx);
  void set_skip_checksum(command::Context& ctx);
  void sleep(command::Context& ctx);
  void stringmatch_len(command::Context& ctx);
  /// Tracking connections forget all that they know.
  void tell_replaced();

  Parts parts_;
  Dispatcher* dispatcher_ = nullptr;
  std::unique_ptr<Execution> run_;
  /// The dataset is being loaded, at the start or from a primary.
  [[nodiscard]] bool is_loading() const;
  std::atomic<bool> loading_{false};
};

}  // namespace ashlar::server
