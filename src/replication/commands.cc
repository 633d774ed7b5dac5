#include "replication/commands.h"

#include <algorithm>
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

constexpr std::string_view kHandOver = "failover";           // behind PSYNC: the master asks its replica to take over
constexpr std::int64_t kLongestTimeout = 1'000'000'000'000;  // milliseconds: no clock overflows with it

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
                            .categories = command::Category::kAdmin | command::Category::kDangerous,
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

constexpr CommandSpec kWaitaof{.name = "waitaof",
                               .arity = command::exactly(4),
                               .flags = Flag::kBlocking,
                               .group = Group::kGeneric,
                               .categories = command::Category::kConnection,
                               .since = "7.2.0",
                               .summary = "Waits until the writes of this connection are on disk here and on replicas.",
                               .syntax = "numlocal numreplicas timeout",
                               .tips = "request_policy:all_shards,response_policy:agg_min"};
constexpr CommandSpec kFailover{.name = "failover",
                                .arity = command::at_least(1),
                                .flags = Flag::kAdmin | Flag::kNoScript | Flag::kStale,
                                .group = Group::kServer,
                                .categories = command::Category::kDangerous,
                                .since = "6.2.0",
                                .summary = "Hands the role of the master to a replica that has caught up.",
                                .syntax = "[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]"};

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
  if (replication_.role().failover != Failover::State::kNone) {
    return ctx.error("REPLICAOF not allowed while failing over.");
  }
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
      replication_.follow(to, Data::kOther);
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
  if (role.failover != Failover::State::kNone) {
    return ctx.error(ErrorCode::kNoMasterLink, "Can't SYNC while failing over");
  }
  if (role.replica() && role.link.phase != PrimaryLink::Phase::kConnected) {
    return ctx.error(ErrorCode::kNoMasterLink);
  }
  take_over(ctx, request);
}

void ReplicationCommands::take_over(Context& ctx, const SyncRequest& request) {
  ReplicaTraits traits = replication_.take_traits(ctx.session.id);
  const auto answer = takeover_.take(ctx.session, [this, request, traits](TakenSocket socket) {
    replication_.take(std::move(socket), request, traits);
  });
  if (answer == Takeover::Answer::kNoClient) ctx.error("this connection cannot become a replica");
}

void ReplicationCommands::psync(Context& ctx) {
  const auto request = parse_psync_request(ctx.args[1], ctx.args[2]);
  if (!request) {
    log::warning("Replica {} asks for synchronization but with a wrong offset", ctx.session.id.value);
    return ctx.error(request.error());
  }
  if (ctx.args.size() > 3 && iequals(ctx.args[3], kHandOver)) {  // our primary hands its role to us
    const Replication::Role role = replication_.role();
    log::warning("Failover request received for replid {}.", ctx.args[1].substr(0, 40));
    if (!role.replica()) return ctx.error("PSYNC FAILOVER can't be sent to a master.");
    if (request->history != role.history.id) return ctx.error("PSYNC FAILOVER replid must match my replid.");
    if (mode_ == Mode::kCluster) return ctx.error("PSYNC FAILOVER not allowed in cluster mode.");
    replication_.post([this] { replication_.promote(); });  // before the socket arrives on the same loop
    return take_over(ctx, *request);
  }
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
  if (!wanted) return ctx.error(ErrorCode::kNotInteger);
  if (!timeout) return ctx.error("timeout is not an integer or out of range");
  if (*timeout < 0) return ctx.error("timeout is negative");
  if (*timeout > std::numeric_limits<std::int64_t>::max() / 1'000'000) return ctx.error("timeout is out of range");
  if (replication_.role().replica()) {
    return ctx.error(
        "WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured "
        "to be writable (which is not the default) writes to replicas are just local and are not propagated.");
  }
  KeepGoal goal;
  goal.offset = replication_.offset_of(ctx.session.last_write);
  goal.replicas = static_cast<std::uint64_t>(std::max<std::int64_t>(0, *wanted));
  wait_until_kept(ctx, goal, Millis(*timeout));
}

void ReplicationCommands::waitaof(Context& ctx) {
  const auto local = parse_i64(ctx.args[1]);
  if (!local) return ctx.error(ErrorCode::kNotInteger);
  if (*local < 0 || *local > 1) return ctx.error("value is out of range, value must between 0 and 1");
  const auto wanted = parse_i64(ctx.args[2]);
  if (!wanted) return ctx.error(ErrorCode::kNotInteger);
  if (*wanted < 0) return ctx.error("value is out of range, must be positive");
  const auto timeout = parse_i64(ctx.args[3]);
  if (!timeout) return ctx.error("timeout is not an integer or out of range");
  if (*timeout < 0) return ctx.error("timeout is negative");
  if (*timeout > std::numeric_limits<std::int64_t>::max() / 1'000'000) return ctx.error("timeout is out of range");
  if (replication_.role().replica()) {
    return ctx.error(
        "WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and "
        "are not propagated.");
  }
  const auto log = replication_.log_position();
  if (*local > 0 && !log) return ctx.error(std::string(kNoLogForWaitaof));
  KeepGoal goal;
  goal.where = Replicas::Kept::kOnDisk;
  goal.offset = replication_.offset_of(ctx.session.last_write);
  goal.replicas = static_cast<std::uint64_t>(*wanted);
  goal.local = static_cast<std::uint64_t>(*local);
  goal.log_position = log.value_or(0);
  wait_until_kept(ctx, goal, Millis(*timeout));
}

void ReplicationCommands::wait_until_kept(Context& ctx, const KeepGoal& goal, Millis timeout) {
  const KeepState state = replication_.keep_state(goal);
  if (state.reaches(goal) || ctx.session.in_transaction) return write_keep_state(ctx.reply, goal, state);
  replication_.wait_for(ctx.session.id, goal, timeout, ctx.session.defer());
}

void ReplicationCommands::failover(Context& ctx) {
  if (mode_ == Mode::kCluster) return ctx.error("FAILOVER not allowed in cluster mode.");
  if (ctx.args.size() == 2 && iequals(ctx.args[1], "abort")) {
    return replication_.post([this, done = ctx.session.defer()] {
      const auto aborted = replication_.abort_failover();
      done([aborted](resp::Encoder& reply) { aborted ? reply.ok() : reply.error(aborted.error()); });
    });
  }
  FailoverRequest request;
  for (std::size_t i = 1; i < ctx.args.size(); ++i) {
    const std::size_t behind = ctx.args.size() - i - 1;
    if (iequals(ctx.args[i], "timeout") && behind >= 1 && !request.timeout) {
      const auto timeout = parse_i64(ctx.args[++i]);
      if (!timeout) return ctx.error(ErrorCode::kNotInteger);
      if (*timeout <= 0) return ctx.error("FAILOVER timeout must be greater than 0");
      request.timeout = Millis(std::min<std::int64_t>(*timeout, kLongestTimeout));
    } else if (iequals(ctx.args[i], "to") && behind >= 2 && !request.target) {
      const auto port = parse_i64(ctx.args[i + 2]);
      if (!port) return ctx.error(ErrorCode::kNotInteger);
      // A port that there cannot be belongs to no replica.
      const bool valid = *port > 0 && *port <= 65535;
      request.target = net::Endpoint{std::string(ctx.args[i + 1]), static_cast<std::uint16_t>(valid ? *port : 0)};
      i += 2;
    } else if (iequals(ctx.args[i], "force") && request.at_timeout == FailoverRequest::AtTimeout::kGiveUp) {
      request.at_timeout = FailoverRequest::AtTimeout::kForce;
    } else {
      return ctx.error(ErrorCode::kSyntax);
    }
  }
  // Redis looks at its state in this order, the rest on the loop that owns it.
  const Replication::Role role = replication_.role();
  if (role.failover == Failover::State::kNone && role.replica()) {
    return ctx.error("FAILOVER is not valid when server is a replica.");
  }
  replication_.post([this, request, done = ctx.session.defer()] {
    const auto begun = replication_.fail_over(request);
    done([begun](resp::Encoder& reply) { begun ? reply.ok() : reply.error(begun.error()); });
  });
}

void ReplicationCommands::register_in(command::CommandTable& table) {
  table.add(kReplicaof, Handler::bind<&ReplicationCommands::replicaof>(*this));
  table.add(kSlaveof, Handler::bind<&ReplicationCommands::replicaof>(*this));
  table.add(kRole, Handler::bind<&ReplicationCommands::role>(*this));
  table.add(kReplconf, Handler::bind<&ReplicationCommands::replconf>(*this));
  table.add(kPsync, Handler::bind<&ReplicationCommands::psync>(*this));
  table.add(kSync, Handler::bind<&ReplicationCommands::sync>(*this));
  table.add(kWait, Handler::bind<&ReplicationCommands::wait>(*this));
  table.add(kWaitaof, Handler::bind<&ReplicationCommands::waitaof>(*this));
  table.add(kFailover, Handler::bind<&ReplicationCommands::failover>(*this));
}

}  // namespace ashlar::replication
