#include "server/commands/persistence_commands.h"

#include "base/bytes.h"
#include "server/client.h"
#include "server/commands/connection.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr Flag kFlags = Flag::kNoAsyncLoading | Flag::kAdmin | Flag::kNoScript;
constexpr CommandSpec kSave{.name = "save",
                            .arity = command::exactly(1),
                            .flags = kFlags | Flag::kNoMulti,
                            .group = Group::kServer,
                            .complexity = "O(N) where N is the number of keys",
                            .summary = "Saves the dataset and answers when it is on disk."};
constexpr CommandSpec kBgSave{.name = "bgsave",
                              .arity = command::at_least(1),
                              .flags = kFlags,
                              .group = Group::kServer,
                              .summary = "Begins to save the dataset in the background.",
                              .syntax = "[SCHEDULE]"};
constexpr CommandSpec kBgRewriteAof{.name = "bgrewriteaof",
                                    .arity = command::exactly(1),
                                    .flags = kFlags,
                                    .group = Group::kServer,
                                    .summary = "Begins to rewrite the append-only file in the background."};
constexpr CommandSpec kLastSave{.name = "lastsave",
                                .arity = command::exactly(1),
                                .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
                                .group = Group::kServer,
                                .categories = command::Category::kAdmin | command::Category::kDangerous,
                                .summary = "Unix time of the last successful save.",
                                .tips = "nondeterministic_output"};

/// The participant of the loop that runs this command: a cut needs every other one to stand still.
keyspace::SafePoint::Participant* participant(Context& ctx) {
  Client* client = client_of(ctx.session);
  return client == nullptr ? nullptr : &client->worker().execution().participant;
}

/// Whoever runs the commands of a file or of a primary would wait for itself.
bool comes_from_client(Context& ctx) {
  if (client_of(ctx.session) != nullptr) return true;
  ctx.error("only a client may have the dataset saved");
  return false;
}

}  // namespace

void PersistenceCommands::save(Context& ctx) {
  if (!comes_from_client(ctx)) return;
  if (persistence_.saving()) return ctx.error("Background save already in progress");
  if (auto saved = persistence_.save(participant(ctx)); !saved) return ctx.error(saved.error());
  ctx.reply.ok();
}

void PersistenceCommands::bgsave(Context& ctx) {
  if (!comes_from_client(ctx)) return;
  bool schedule = false;
  if (ctx.args.size() > 1) {
    if (ctx.args.size() > 2 || !iequals(ctx.args[1], "SCHEDULE")) return ctx.error(ErrorCode::kSyntax);
    schedule = true;
  }
  if (persistence_.saving()) return ctx.error("Background save already in progress");
  if (persistence_.rewriting()) {
    if (!schedule) {
      return ctx.error(
          "Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a "
          "BGSAVE whenever possible.");
    }
    persistence_.schedule_save();
    return ctx.reply.simple("Background saving scheduled");
  }
  if (auto started = persistence_.background_save(participant(ctx)); !started) return ctx.error(started.error());
  ctx.reply.simple("Background saving started");
}

void PersistenceCommands::bgrewriteaof(Context& ctx) {
  if (!comes_from_client(ctx)) return;
  if (persistence_.rewriting()) return ctx.error("Background append only file rewriting already in progress");
  if (auto started = persistence_.background_rewrite(participant(ctx)); !started) return ctx.error(started.error());
  ctx.reply.simple("Background append only file rewriting started");
}

void PersistenceCommands::lastsave(Context& ctx) { ctx.reply.integer(persistence_.last_save_unix()); }

void PersistenceCommands::register_in(command::CommandTable& table) {
  table.add(kSave, Handler::bind<&PersistenceCommands::save>(*this));
  table.add(kBgSave, Handler::bind<&PersistenceCommands::bgsave>(*this));
  table.add(kBgRewriteAof, Handler::bind<&PersistenceCommands::bgrewriteaof>(*this));
  table.add(kLastSave, Handler::bind<&PersistenceCommands::lastsave>(*this));
}

}  // namespace ashlar::server
