#include "server/commands/admin.h"

#include "command/arg_parser.h"
#include "server/client.h"
#include "server/commands/register.h"
#include "server/worker.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kConfigFlags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale;

constexpr CommandSpec kInfo{.name = "info",
                            .arity = command::at_least(1),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kServer,
                            .categories = command::Category::kDangerous,
                            .summary = "Figures and facts about the server.",
                            .syntax = "[section [section ...]]",
                            .tips = "nondeterministic_output,request_policy:all_shards,response_policy:special"};
constexpr CommandSpec kTime{.name = "time",
                            .arity = command::exactly(1),
                            .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
                            .group = Group::kServer,
                            .since = "2.6.0",
                            .summary = "The server's clock: Unix seconds, and microseconds within the second.",
                            .tips = "nondeterministic_output"};
constexpr CommandSpec kShutdown{
    .name = "shutdown",
    .arity = command::at_least(1),
    .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kNoMulti | Flag::kAllowBusy,
    .group = Group::kServer,
    .complexity = "O(N) when saving, where N is the number of keys",
    .summary = "Saves what has to be saved and ends the server.",
    .syntax = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]"};
constexpr CommandSpec kConfig{.name = "config",
                              .arity = command::at_least(2),
                              .group = Group::kServer,
                              .since = "2.0.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Reads and changes the configuration."};
constexpr CommandSpec kConfigGet{.name = "config|get",
                                 .arity = command::at_least(3),
                                 .flags = kConfigFlags,
                                 .group = Group::kServer,
                                 .since = "2.0.0",
                                 .complexity = "O(N) where N is the number of settings",
                                 .summary = "Values of the settings whose names match.",
                                 .syntax = "parameter [parameter ...]"};
constexpr CommandSpec kConfigSet{.name = "config|set",
                                 .arity = command::at_least(4),
                                 .flags = kConfigFlags,
                                 .group = Group::kServer,
                                 .since = "2.0.0",
                                 .complexity = "O(N) where N is the number of settings given",
                                 .summary = "Changes settings, all of them or none.",
                                 .syntax = "parameter value [parameter value ...]",
                                 .tips = "request_policy:all_nodes,response_policy:all_succeeded"};
constexpr CommandSpec kConfigRewrite{.name = "config|rewrite",
                                     .arity = command::exactly(2),
                                     .flags = kConfigFlags,
                                     .group = Group::kServer,
                                     .since = "2.8.0",
                                     .summary = "Writes the present settings into the configuration file.",
                                     .tips = "request_policy:all_nodes,response_policy:all_succeeded"};
constexpr CommandSpec kConfigResetStat{.name = "config|resetstat",
                                       .arity = command::exactly(2),
                                       .flags = kConfigFlags,
                                       .group = Group::kServer,
                                       .since = "2.0.0",
                                       .summary = "Sets the counters of INFO to zero.",
                                       .tips = "request_policy:all_nodes,response_policy:all_succeeded"};
constexpr CommandSpec kConfigHelp{.name = "config|help",
                                  .arity = command::exactly(2),
                                  .flags = Flag::kLoading | Flag::kStale,
                                  .group = Group::kServer,
                                  .since = "5.0.0",
                                  .summary = "Lists the subcommands of CONFIG."};

}  // namespace

void AdminCommands::info(Context& ctx) { ctx.reply.verbatim("txt", parts_.info.render(ctx.args.subspan(1))); }

void AdminCommands::time(Context& ctx) {
  const std::int64_t micros = ctx.now().time_since_epoch().count();
  ctx.reply.array(2);
  ctx.reply.bulk_i64(micros / 1'000'000);
  ctx.reply.bulk_i64(micros % 1'000'000);
}

void AdminCommands::shutdown(Context& ctx) {
  using Save = ShutdownRequest::Save;
  ShutdownRequest request;
  command::ArgParser in(ctx.args, 1);
  while (in.more()) {
    if (in.take("SAVE") && request.save != Save::kNoSave) {
      request.save = Save::kSave;
    } else if (in.take("NOSAVE") && request.save != Save::kSave) {
      request.save = Save::kNoSave;
    } else if (in.take("NOW")) {
      request.now = true;
    } else if (in.take("FORCE")) {
      request.force = true;
    } else if (in.take("ABORT") && ctx.args.size() == 2) {
      return parts_.shutdown.abort([done = ctx.session.defer()](Shutdown::Aborted aborted) {
        done([aborted](resp::Encoder& reply) {
          if (aborted == Shutdown::Aborted::kShutdown) return reply.ok();
          reply.error({ErrorCode::kGeneric, "No shutdown in progress."});
        });
      });
    } else {
      in.reject();
    }
  }
  if (in.failed()) return ctx.error(in.error());
  if (const auto busy = parts_.busy(); busy && request.save != Save::kNoSave) return ctx.reply.error_line(*busy);
  if (client_of(ctx.session) == nullptr) return ctx.error("SHUTDOWN needs a connection");
  request.on_failure = [done = ctx.session.defer()](const Error&) {
    done([](resp::Encoder& reply) { reply.error({ErrorCode::kGeneric, "Errors trying to SHUTDOWN. Check logs."}); });
  };
  parts_.shutdown.request(std::move(request));
}

void AdminCommands::config_get(Context& ctx) {
  const std::vector<std::string> patterns(ctx.args.begin() + 2, ctx.args.end());
  const auto values = parts_.config.get(patterns);
  ctx.reply.map(values.size());
  for (const auto& [name, value] : values) {
    ctx.reply.bulk(name);
    ctx.reply.bulk(value);
  }
}

void AdminCommands::config_set(Context& ctx) {
  if (ctx.args.size() % 2 != 0) return ctx.error(ErrorCode::kSyntax);
  std::vector<config::NameValue> pairs;
  for (std::size_t i = 2; i < ctx.args.size(); i += 2) {
    pairs.push_back({std::string(ctx.args[i]), std::string(ctx.args[i + 1])});
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const config::Directive* directive = config::find_directive(pairs[i].name);
    if (directive != nullptr && directive->is_sensitive) ctx.effects.redact(2 * i + 3);
  }
  config::SetContext context;
  if (parts_.gates.closed(Gate::kLoading) || parts_.gates.closed(Gate::kAsyncLoading)) {
    context.data_set = config::SetContext::DataSet::kLoading;
  }
  Client* client = client_of(ctx.session);
  context.client = client != nullptr && client->from_loopback() ? config::Locality::kLocal : config::Locality::kRemote;
  // A setting may make every thread stand still (appendonly), and this one must not wait for itself.
  keyspace::SafePoint::Participant* seat = client != nullptr ? &client->worker().execution().participant : nullptr;
  const bool was_inside = seat != nullptr && seat->inside();
  if (was_inside) seat->leave();
  const auto set = parts_.config.set(pairs, context);
  if (was_inside) seat->enter();
  if (!set) return ctx.error(set.error());
  parts_.settle([done = ctx.session.defer()] { done([](resp::Encoder& reply) { reply.ok(); }); });
}

void AdminCommands::config_rewrite(Context& ctx) {
  // In one transaction with REPLICAOF, as Sentinel sends it, the file must name the new primary.
  parts_.settle([this, done = ctx.session.defer()] {
    const auto written = parts_.config.rewrite();
    done([written](resp::Encoder& reply) { written ? reply.ok() : reply.error(written.error()); });
  });
}

void AdminCommands::config_resetstat(Context& ctx) {
  parts_.reset_statistics();
  ctx.reply.ok();
}

void AdminCommands::config_help(Context& ctx) {
  static constexpr std::string_view kLines[] = {"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
                                                "GET <pattern>",
                                                "    Names and values of the settings that match.",
                                                "SET <directive> <value>",
                                                "    Change settings, all or none.",
                                                "RESETSTAT",
                                                "    Set the counters of INFO to zero.",
                                                "REWRITE",
                                                "    Write the present settings into the configuration file.",
                                                "HELP",
                                                "    Print this help."};
  ctx.reply.array(std::size(kLines));
  for (const std::string_view line : kLines) ctx.reply.simple(line);
}

void register_admin_commands(command::CommandTable& table, AdminCommands& family) {
  table.add(kInfo, Handler::bind<&AdminCommands::info>(family));
  table.add(kTime, Handler::bind<&AdminCommands::time>(family));
  table.add(kShutdown, Handler::bind<&AdminCommands::shutdown>(family));
  table.add_container(kConfig);
  table.add(kConfigGet, Handler::bind<&AdminCommands::config_get>(family));
  table.add(kConfigSet, Handler::bind<&AdminCommands::config_set>(family));
  table.add(kConfigRewrite, Handler::bind<&AdminCommands::config_rewrite>(family));
  table.add(kConfigResetStat, Handler::bind<&AdminCommands::config_resetstat>(family));
  table.add(kConfigHelp, Handler::bind<&AdminCommands::config_help>(family));
}

}  // namespace ashlar::server
