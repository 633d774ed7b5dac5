#include "replication/commands.h"

#include <limits>

#include "base/bytes.h"
#include "base/log.h"

namespace ashlar::replication {

using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;

namespace {

constexpr CommandSpec kReplicaof{.name = "replicaof",
                                 .arity = command::exactly(3),
                                 .flags = Flag::kAdmin | Flag::kNoAsyncLoading | Flag::kNoScript | Flag::kStale,
                                 .group = Group::kServer,
                                 .categories = command::Category::kDangerous,
                                 .since = "5.0.0",
                                 .summary = "Makes this server a replica of another, or a master again.",
                                 .syntax = "<host port | NO ONE>"};
constexpr CommandSpec kSlaveof{.name = "slaveof",
                               .arity = command::exactly(3),
                               .flags = Flag::kAdmin | Flag::kNoAsyncLoading | Flag::kNoScript | Flag::kStale,
                               .group = Group::kServer,
                               .categories = command::Category::kDangerous,
                               .summary = "Makes this server a replica of another, or a master again.",
                               .syntax = "<host port | NO ONE>",
                               .replaced_by = "REPLICAOF",
                               .deprecated_since = "5.0.0"};
constexpr CommandSpec kRole{.name = "role",
                            .arity = command::exactly(1),
                            .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kFast,
                            .group = Group::kServer,
                            .categories = command::Category::kDangerous,
                            .since = "2.8.12",
                            .summary = "Tells the place of this server in replication."};
constexpr CommandSpec kReplconf{
    .name = "replconf",
    .arity = command::at_least(1),
    .flags = Flag::kAdmin | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kAllowBusy,
    .group = Group::kServer,
    .categories = command::Category::kDangerous,
    .since = "3.0.0",
    .summary = "What a replica tells its master about itself."};
constexpr CommandSpec kPsync{.name = "psync",
                             .arity = command::at_least(3),
                             .flags = Flag::kAdmin | Flag::kNoAsyncLoading | Flag::kNoMulti | Flag::kNoScript,
                             .group = Group::kServer,
                             .categories = command::Category::kDangerous,
                             .since = "2.8.0",
                             .summary = "Begins or continues the replication stream on this connection.",
                             .syntax = "replicationid offset"};
constexpr CommandSpec kSync{.name = "sync",
                            .arity = command::exactly(1),
                            .flags = Flag::kAdmin | Flag::kNoAsyncLoading | Flag::kNoMulti | Flag::kNoScript,
                            .group = Group::kServer,
                            .categories = command::Category::kDangerous,
                            .summary = "Begins the replication stream on this connection, as old replicas ask for it."};
constexpr CommandSpec kWait{.name = "wait",
                            .arity = command::exactly(3),
                            .flags = Flag::kNoScript,
                            .group = Group::kGeneric,
                            .categories = command::Category::kConnection,
                            .since = "3.0.0",
                            .summary = "Waits until that many replicas have the writes of this connection.",
                            .syntax = "numreplicas timeout",
                            .tips = "request_policy:all_shards,response_policy:agg_min"};

std::string_view phase_name(PrimaryLink::Phase phase) {
  using Phase = PrimaryLink::Phase;
  switch (phase) {
    case Phase::kIdle: return "none";
    case Phase::kConnect:
    case Phase::kResolving: return "connect";
    case Phase::kConnecting: return "connecting";
    case Phase::kHandshake: return "handshake";
    case Phase::kReceiving: return "sync";
    case Phase::kConnected: return "connected";
  }
  return "unknown";
}

}  // namespace

void ReplicationCommands::replicaof(Context& ctx) {
  if (mode_ == Mode::kCluster) return ctx.error("REPLICAOF not allowed in cluster mode.");
  const bool nobody = iequals(ctx.args[1], "no") && iequals(ctx.args[2], "one");
  net::Endpoint to;
  if (!nobody) {
    const auto port = parse_i64(ctx.args[2]);
    if (!port || *port < 0 || *port > 65535) return ctx.error("Invalid master port");
    to = {std::string(ctx.args[1]), static_cast<std::uint16_t>(*port)};
    const Replication::Role role = replication_.role();
    if (role.link.primary == to) return ctx.reply.simple("OK Already connected to specified master");
  }
  replication_.post([this, nobody, to = std::move(to), done = ctx.session.defer()] {
    if (nobody) {
      replication_.promote();
    } else {
      replication_.follow(to);
      log::notice("REPLICAOF {}:{} enabled (user request)", to.address, to.port);
    }
    done([](resp::Encoder& reply) { reply.ok(); });
  });
}

void ReplicationCommands::role(Context& ctx) {
  const Replication::Role role = replication_.role();
  if (role.replica()) {
    ctx.reply.array(5);
    ctx.reply.bulk("slave");
    ctx.reply.bulk(role.link.primary->address);
    ctx.reply.integer(role.link.primary->port);
    ctx.reply.bulk(phase_name(role.link.phase));
    ctx.reply.integer(role.link.phase == PrimaryLink::Phase::kConnected ? role.history.end : -1);
    return;
  }
  ctx.reply.array(3);
  ctx.reply.bulk("master");
  ctx.reply.integer(role.history.end);
  std::size_t online = 0;
  for (const ReplicaStatus& replica : role.replicas) online += replica.announced ? 1U : 0U;
  ctx.reply.array(online);
  for (const ReplicaStatus& replica : role.replicas) {
    if (!replica.announced) continue;
    ctx.reply.array(3);
    ctx.reply.bulk(replica.address);
    ctx.reply.bulk_i64(replica.port);
    ctx.reply.bulk_i64(replica.offset);
  }
}

void ReplicationCommands::replconf(Context& ctx) {
  if (ctx.args.size() % 2 == 0) return ctx.error(ErrorCode::kSyntax);
  for (std::size_t i = 1; i + 1 < ctx.args.size(); i += 2) {
    // These belong on the connection of a replica or of our primary and get no answer there.
    if (iequals(ctx.args[i], "ack") || iequals(ctx.args[i], "getack")) return;
    if (auto taken = replication_.note_traits(ctx.session.id, ctx.args[i], ctx.args[i + 1]); !taken) {
      return ctx.error(taken.error());
    }
  }
  ctx.reply.ok();
}

void ReplicationCommands::begin_sync(Context& ctx, const SyncRequest& request) {
  const Replication::Role role = replication_.role();
  if (role.replica() && role.link.phase != PrimaryLink::Phase::kConnected) {
    return ctx.error(ErrorCode::kNoMasterLink);
  }
  ReplicaTraits traits = replication_.take_traits(ctx.session.id);
  const auto answer = takeover_.take(ctx.session, [this, request, traits](TakenSocket socket) {
    replication_.take(std::move(socket), request, traits);
  });
  if (answer == Takeover::Answer::kNoClient) ctx.error("this connection cannot become a replica");
}

void ReplicationCommands::psync(Context& ctx) {
  if (ctx.args.size() > 3) return ctx.error("FAILOVER is not supported");
  const auto request = parse_psync_request(ctx.args[1], ctx.args[2]);
  if (!request) return ctx.error(request.error());
  begin_sync(ctx, *request);
}

void ReplicationCommands::sync(Context& ctx) {
  SyncRequest request;
  request.dialect = SyncRequest::Dialect::kSync;
  begin_sync(ctx, request);
}

void ReplicationCommands::wait(Context& ctx) {
  const auto wanted = parse_i64(ctx.args[1]);
  const auto timeout = parse_i64(ctx.args[2]);
  if (!wanted || !timeout) return ctx.error(ErrorCode::kNotInteger);
  if (*timeout < 0) return ctx.error("timeout is negative");
  if (*timeout > std::numeric_limits<std::int64_t>::max() / 1'000'000) return ctx.error("timeout is out of range");
  if (replication_.role().replica()) {
    return ctx.error(
        "WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
        "to be writable (which is not the default) writes to replicas are just local and are not propagated.");
  }
  const std::int64_t offset = replication_.offset_of(ctx.session.last_write);
  const std::uint64_t have = replication_.acknowledged_by(offset);
  if (*wanted <= 0 || have >= static_cast<std::uint64_t>(*wanted) || ctx.session.in_transaction) {
    return ctx.reply.integer(static_cast<std::int64_t>(have));
  }
  replication_.wait_for(ctx.session.id, offset, static_cast<std::uint64_t>(*wanted), Millis(*timeout),
                        ctx.session.defer());
}

void ReplicationCommands::register_in(command::CommandTable& table) {
  table.add(kReplicaof, Handler::bind<&ReplicationCommands::replicaof>(*this));
  table.add(kSlaveof, Handler::bind<&ReplicationCommands::replicaof>(*this));
  table.add(kRole, Handler::bind<&ReplicationCommands::role>(*this));
  table.add(kReplconf, Handler::bind<&ReplicationCommands::replconf>(*this));
  table.add(kPsync, Handler::bind<&ReplicationCommands::psync>(*this));
  table.add(kSync, Handler::bind<&ReplicationCommands::sync>(*this));
  table.add(kWait, Handler::bind<&ReplicationCommands::wait>(*this));
}

}  // namespace ashlar::replication
