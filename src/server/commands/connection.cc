#include "server/commands/connection.h"

#include "base/bytes.h"
#include "command/arg_parser.h"
#include "server/client.h"
#include "server/commands/register.h"
#include "server/run_state.h"

namespace ashlar::server {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr std::string_view kNoPassword =
    "AUTH <password> called without any password configured for the default user. Are you sure your configuration is "
    "correct?";

/// User and password behind AUTH.
bool in_hello_auth(std::span<const std::string_view> args, std::size_t index) {
  return (index >= 3 && iequals(args[index - 1], "AUTH")) || (index >= 4 && iequals(args[index - 2], "AUTH"));
}

constexpr CommandSpec kPing{.name = "ping",
                            .arity = command::at_least(1),
                            .flags = Flag::kFast | Flag::kSubscribed,
                            .group = Group::kConnection,
                            .categories = command::Category::kConnection,
                            .summary = "Answers PONG, or its argument.",
                            .syntax = "[message]",
                            .tips = "request_policy:all_shards,response_policy:all_succeeded"};
constexpr CommandSpec kEcho{.name = "echo",
                            .arity = command::exactly(2),
                            .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
                            .group = Group::kConnection,
                            .categories = command::Category::kConnection,
                            .summary = "Answers its argument.",
                            .syntax = "message"};
constexpr CommandSpec kSelect{.name = "select",
                              .arity = command::exactly(2),
                              .flags = Flag::kLoading | Flag::kStale | Flag::kFast,
                              .group = Group::kConnection,
                              .categories = command::Category::kConnection,
                              .summary = "Changes the database of this connection.",
                              .syntax = "index"};
constexpr CommandSpec kAuth{.name = "auth",
                            .arity = command::at_least(2),
                            .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kNoAuth |
                                     Flag::kAllowBusy | Flag::kSkipSlowlog,
                            .group = Group::kConnection,
                            .categories = command::Category::kConnection,
                            .complexity = "O(N) where N is the number of passwords of the user",
                            .summary = "Proves who this connection belongs to.",
                            .syntax = "[username] password",
                            .secrets = [](std::span<const std::string_view>, std::size_t) { return true; }};
constexpr CommandSpec kHello{.name = "hello",
                             .arity = command::at_least(1),
                             .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kNoAuth |
                                      Flag::kAllowBusy | Flag::kSkipSlowlog,
                             .group = Group::kConnection,
                             .categories = command::Category::kConnection,
                             .since = "6.0.0",
                             .summary = "Chooses the protocol, and may log in and name the connection.",
                             .syntax = "[protover [AUTH username password] [SETNAME clientname]]",
                             .secrets = &in_hello_auth};
constexpr CommandSpec kQuit{.name = "quit",
                            .arity = command::at_least(1),
                            .flags = Flag::kAllowBusy | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast |
                                     Flag::kImmediate | Flag::kNoAuth | Flag::kSubscribed,
                            .group = Group::kConnection,
                            .categories = command::Category::kConnection,
                            .summary = "Closes the connection after the reply.",
                            .deprecated_since = "7.2.0"};
constexpr CommandSpec kReset{.name = "reset",
                             .arity = command::exactly(1),
                             .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kImmediate |
                                      Flag::kNoAuth | Flag::kAllowBusy | Flag::kSubscribed,
                             .group = Group::kConnection,
                             .categories = command::Category::kConnection,
                             .since = "6.2.0",
                             .summary = "Puts the connection into the state of a new one."};

constexpr CommandSpec kMonitor{.name = "monitor",
                               .arity = command::exactly(1),
                               .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale,
                               .group = Group::kServer,
                               .summary = "Shows this connection every command that the server runs."};

}  // namespace

void ConnectionCommands::ping(Context& ctx) {
  if (ctx.args.size() > 2) return ctx.error("wrong number of arguments for 'ping' command");
  if (ctx.session.subscribed && ctx.reply.version() == resp::Version::kResp2) {
    ctx.reply.array(2);  // looks like a message, for clients that expect nothing else
    ctx.reply.bulk("pong");
    return ctx.reply.bulk(ctx.args.size() == 2 ? ctx.args[1] : std::string_view());
  }
  if (ctx.args.size() == 2) return ctx.reply.bulk(ctx.args[1]);
  ctx.reply.simple("PONG");
}

void ConnectionCommands::echo(Context& ctx) { ctx.reply.bulk(ctx.args[1]); }

void ConnectionCommands::select(Context& ctx) {
  const auto index = parse_i64(ctx.args[1]);
  if (!index) return ctx.error(ErrorCode::kNotInteger);
  if (parts_.mode() == Parts::Mode::kCluster && parts_.databases == 1 && *index != 0) {
    return ctx.error("SELECT is not allowed in cluster mode");
  }
  if (*index < 0 || *index >= static_cast<std::int64_t>(parts_.databases)) return ctx.error("DB index is out of range");
  ctx.session.db = DbIndex{static_cast<std::uint32_t>(*index)};
  ctx.reply.ok();
}

bool ConnectionCommands::login(Context& ctx, std::string_view name, std::string_view password) const {
  auto user = parts_.users.log_in(name, password);
  if (user == nullptr) {
    parts_.gate.login_failed(ctx.session, name, ctx.args[0]);
    return false;
  }
  ctx.session.become(std::move(user));
  ctx.session.authenticated = true;
  ctx.session.let_in = false;
  return true;
}

void ConnectionCommands::auth(Context& ctx) {
  if (ctx.args.size() > 3) return ctx.error(ErrorCode::kSyntax);
  const bool named = ctx.args.size() == 3;
  for (std::size_t i = 1; i < ctx.args.size(); ++i) ctx.effects.redact(i);
  if (!named && parts_.users.default_user()->rules().no_password) return ctx.error(std::string(kNoPassword));
  if (!login(ctx, named ? ctx.args[1] : "default", ctx.args.back())) return ctx.error(ErrorCode::kWrongPass);
  ctx.reply.ok();
}

void ConnectionCommands::hello(Context& ctx) {
  auto version = ctx.reply.version();
  std::optional<std::string_view> name;
  if (ctx.args.size() > 1) {
    const auto wanted = parse_i64(ctx.args[1]);
    if (!wanted) return ctx.error("Protocol version is not an integer or out of range");
    if (*wanted != 2 && *wanted != 3) return ctx.error(ErrorCode::kNoProto);
    version = *wanted == 2 ? resp::Version::kResp2 : resp::Version::kResp3;
  }
  command::ArgParser in(ctx.args, 2);
  while (in.more()) {
    if (in.left() >= 3 && in.take("AUTH")) {
      const std::string_view user = in.text();
      const std::string_view password = in.text();
      if (!login(ctx, user, password)) return ctx.error(ErrorCode::kWrongPass);
    } else if (in.left() >= 2 && in.take("SETNAME")) {
      name = in.text();
      if (!valid_client_name(*name)) {
        return ctx.error("Client names cannot contain spaces, newlines or special characters.");
      }
    } else {
      return ctx.error("Syntax error in HELLO option '" + std::string(in.text()) + "'");
    }
  }
  if (!ctx.session.authenticated) {
    return ctx.error(
        ErrorCode::kNoAuth,
        "HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the "
        "same time");
  }
  if (name) ctx.session.name = *name;
  ctx.reply.set_version(version);
  ctx.reply.map(7);
  ctx.reply.bulk("server");
  ctx.reply.bulk("redis");
  ctx.reply.bulk("version");
  ctx.reply.bulk(kRedisVersion);
  ctx.reply.bulk("proto");
  ctx.reply.integer(static_cast<int>(version));
  ctx.reply.bulk("id");
  ctx.reply.integer(static_cast<std::int64_t>(ctx.session.id.value));
  ctx.reply.bulk("mode");
  ctx.reply.bulk(parts_.mode() == Parts::Mode::kCluster ? "cluster" : "standalone");
  ctx.reply.bulk("role");
  ctx.reply.bulk(parts_.role());
  ctx.reply.bulk("modules");
  ctx.reply.array(0);
}

bool valid_client_name(std::string_view name) noexcept {
  for (const char c : name) {
    if (c < '!' || c > '~') return false;
  }
  return true;
}

void ConnectionCommands::quit(Context& ctx) {
  ctx.reply.ok();
  if (Client* client = client_of(ctx.session)) client->close_after_reply();
}

void ConnectionCommands::reset(Context& ctx) {
  command::Session& s = ctx.session;
  command::end_transaction(s, ctx.db.keyspace(), command::WatchedSlots::kFree);
  s.db = DbIndex{0};
  s.name.clear();
  s.reply_mode = command::ReplyMode::kOn;
  s.asking_next = s.cluster_readonly = s.no_touch = s.no_evict = false;
  const auto user = parts_.users.default_user();
  s.authenticated = user->open();
  s.let_in = false;
  s.become(user);
  if (Client* client = client_of(s)) {
    client->follows_redirects = client->import_source = false;
    client->worker().forget(*client);
  }
  ctx.reply.set_version(resp::Version::kResp2);
  ctx.reply.simple("RESET");
}

void ConnectionCommands::monitor(Context& ctx) {
  Client* client = client_of(ctx.session);
  if (client == nullptr || ctx.session.in_transaction) {
    return ctx.error("MONITOR isn't allowed for DENY BLOCKING client");
  }
  client->worker().monitor(*client);
  ctx.reply.ok();
}

void register_connection_commands(command::CommandTable& table, ConnectionCommands& family) {
  table.add(kPing, Handler::bind<&ConnectionCommands::ping>(family));
  table.add(kEcho, Handler::bind<&ConnectionCommands::echo>(family));
  table.add(kSelect, Handler::bind<&ConnectionCommands::select>(family));
  table.add(kAuth, Handler::bind<&ConnectionCommands::auth>(family));
  table.add(kHello, Handler::bind<&ConnectionCommands::hello>(family));
  table.add(kQuit, Handler::bind<&ConnectionCommands::quit>(family));
  table.add(kMonitor, Handler::bind<&ConnectionCommands::monitor>(family));
  table.add(kReset, Handler::bind<&ConnectionCommands::reset>(family));
}

}  // namespace ashlar::server
