#include "server/commands/tracking.h"

#include <fmt/format.h>

#include <algorithm>

#include "command/arg_parser.h"
#include "server/client.h"
#include "server/commands/connection.h"

namespace ashlar::server::tracking {

using command::Context;
using command::Flag;
using command::Handler;

namespace {

constexpr Flag kFlags = Flag::kNoScript | Flag::kLoading | Flag::kStale;

constexpr command::CommandSpec sub(std::string_view name, command::Arity arity, std::string_view since,
                                   std::string_view complexity, std::string_view summary,
                                   std::string_view syntax = {}) {
  return {.name = name,
          .arity = arity,
          .flags = kFlags,
          .group = command::Group::kConnection,
          .categories = command::Category::kConnection,
          .since = since,
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax};
}

constexpr command::CommandSpec kTracking =
    sub("client|tracking", command::at_least(3), "6.0.0", "O(1), and O(N) in the number of prefixes",
        "Whether this connection is told when keys that it knows change.",
        "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]");
constexpr command::CommandSpec kCaching =
    sub("client|caching", command::exactly(3), "6.0.0", "O(1)",
        "Whether the keys of the next command are tracked, in OPTIN and OPTOUT mode.", "<YES | NO>");
constexpr command::CommandSpec kGetRedir =
    sub("client|getredir", command::exactly(2), "6.0.0", "O(1)",
        "The connection that invalidations of this one go to, 0 for itself, -1 without tracking.");
constexpr command::CommandSpec kTrackingInfo =
    sub("client|trackinginfo", command::exactly(2), "6.2.0", "O(1)", "How this connection tracks keys.");

/// What CLIENT TRACKING says, before it is compared with what holds.
struct Wanted {
  bool broadcast = false;
  bool opt_in = false;
  bool opt_out = false;
  OwnChanges own_changes = OwnChanges::kTold;
  std::optional<ClientId> redirect;
  std::vector<std::string> prefixes;
};

/// Replies and returns nullopt when an option is wrong.
std::optional<Wanted> parse(Context& ctx, Client& client) {
  Wanted wanted;
  command::ArgParser in(ctx.args, 3);
  while (in.more()) {
    if (in.left() >= 2 && in.take("REDIRECT")) {
      if (wanted.redirect) in.fail_with({ErrorCode::kGeneric, "A client can only redirect to a single other client"});
      const std::int64_t id = in.integer();
      if (in.failed()) break;
      const ClientId target{static_cast<std::uint64_t>(id)};
      if (!client.worker().directory().contains(target)) {
        in.fail_with({ErrorCode::kGeneric, "The client ID you want redirect to does not exist"});
      }
      wanted.redirect = target;
    } else if (in.left() >= 2 && in.take("PREFIX")) {
      wanted.prefixes.emplace_back(in.text());
    } else if (in.take("BCAST")) {
      wanted.broadcast = true;
    } else if (in.take("OPTIN")) {
      wanted.opt_in = true;
    } else if (in.take("OPTOUT")) {
      wanted.opt_out = true;
    } else if (in.take("NOLOOP")) {
      wanted.own_changes = OwnChanges::kNotTold;
    } else {
      in.reject();
    }
  }
  if (!in.failed()) return wanted;
  ctx.error(in.error());
  return std::nullopt;
}

[[nodiscard]] bool overlap(std::string_view a, std::string_view b) { return a.starts_with(b) || b.starts_with(a); }

/// Source: the checks of CLIENT TRACKING of Redis 7, in their order.
std::optional<std::string> conflict(const Wanted& wanted, const State* now) {
  if (!wanted.broadcast && !wanted.prefixes.empty()) return "PREFIX option requires BCAST mode to be enabled";
  if (now != nullptr && wanted.broadcast != (now->mode == Mode::kBroadcast)) {
    return "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with "
           "a different mode.";
  }
  if (wanted.broadcast && (wanted.opt_in || wanted.opt_out)) return "OPTIN and OPTOUT are not compatible with BCAST";
  if (wanted.opt_in && wanted.opt_out) return "You can't specify both OPTIN mode and OPTOUT mode";
  if (now != nullptr &&
      ((wanted.opt_in && now->mode == Mode::kOptOut) || (wanted.opt_out && now->mode == Mode::kOptIn))) {
    return "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with "
           "a different mode.";
  }
  for (std::size_t i = 0; i < wanted.prefixes.size(); ++i) {
    const std::string& prefix = wanted.prefixes[i];
    if (now != nullptr) {
      for (const std::string& old : now->prefixes) {
        if (!overlap(prefix, old)) continue;
        return fmt::format(
            "Prefix '{}' overlaps with an existing prefix '{}'. Prefixes for a single client must not overlap.", prefix,
            old);
      }
    }
    for (std::size_t j = i + 1; j < wanted.prefixes.size(); ++j) {
      if (!overlap(prefix, wanted.prefixes[j])) continue;
      return fmt::format(
          "Prefix '{}' overlaps with another provided prefix '{}'. Prefixes for a single client must not overlap.",
          prefix, wanted.prefixes[j]);
    }
  }
  return std::nullopt;
}

Mode mode_of(const Wanted& wanted) {
  if (wanted.broadcast) return Mode::kBroadcast;
  if (wanted.opt_in) return Mode::kOptIn;
  return wanted.opt_out ? Mode::kOptOut : Mode::kEveryRead;
}

/// The words of TRACKINGINFO.
std::vector<std::string_view> flags_of(const State* state) {
  if (state == nullptr) return {"off"};
  std::vector<std::string_view> flags = {"on"};
  if (state->mode == Mode::kBroadcast) flags.push_back("bcast");
  if (state->mode == Mode::kOptIn) {
    flags.push_back("optin");
    if (state->caching_said) flags.push_back("caching-yes");
  }
  if (state->mode == Mode::kOptOut) {
    flags.push_back("optout");
    if (state->caching_said) flags.push_back("caching-no");
  }
  if (state->own_changes == OwnChanges::kNotTold) flags.push_back("noloop");
  if (state->redirect_broken) flags.push_back("broken_redirect");
  return flags;
}

std::int64_t redirect_of(const State* state) {
  if (state == nullptr) return -1;
  return state->redirect ? static_cast<std::int64_t>(state->redirect->value) : 0;
}

const State* state_of(Context& ctx) {
  Client* client = client_of(ctx.session);
  return client == nullptr ? nullptr : client->tracking();
}

}  // namespace

void TrackingCommands::tracking(Context& ctx) {
  Client* client = client_of(ctx.session);
  if (client == nullptr) return ctx.error("This command needs a connection");
  const auto wanted = parse(ctx, *client);
  if (!wanted) return;
  Trackers& trackers = client->worker().trackers();
  if (iequals(ctx.args[2], "off")) {
    trackers.disable(*client);
    return ctx.reply.ok();
  }
  if (!iequals(ctx.args[2], "on")) return ctx.error(ErrorCode::kSyntax);
  if (auto text = conflict(*wanted, client->tracking())) return ctx.error(std::move(*text));
  trackers.enable(*client, {.mode = mode_of(*wanted),
                            .own_changes = wanted->own_changes,
                            .redirect = wanted->redirect,
                            .prefixes = wanted->prefixes});
  ctx.reply.ok();
}

void TrackingCommands::caching(Context& ctx) {
  Client* client = client_of(ctx.session);
  State* state = client == nullptr ? nullptr : client->tracking();
  if (state == nullptr) {
    return ctx.error(
        "CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled");
  }
  if (iequals(ctx.args[2], "yes")) {
    if (state->mode != Mode::kOptIn) {
      return ctx.error("CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    }
  } else if (iequals(ctx.args[2], "no")) {
    if (state->mode != Mode::kOptOut) {
      return ctx.error("CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    }
  } else {
    return ctx.error(ErrorCode::kSyntax);
  }
  state->caching_said = true;
  ctx.reply.ok();
}

void TrackingCommands::getredir(Context& ctx) { ctx.reply.integer(redirect_of(state_of(ctx))); }

void TrackingCommands::trackinginfo(Context& ctx) {
  const State* state = state_of(ctx);
  const auto flags = flags_of(state);
  ctx.reply.map(3);
  ctx.reply.bulk("flags");
  ctx.reply.set(flags.size());
  for (const std::string_view flag : flags) ctx.reply.bulk(flag);
  ctx.reply.bulk("redirect");
  ctx.reply.integer(redirect_of(state));
  ctx.reply.bulk("prefixes");
  std::vector<std::string> prefixes = state == nullptr ? std::vector<std::string>() : state->prefixes;
  std::ranges::sort(prefixes);
  ctx.reply.array(prefixes.size());
  for (const std::string& prefix : prefixes) ctx.reply.bulk(prefix);
}

void TrackingCommands::register_in(command::CommandTable& table) {
  table.add(kTracking, Handler::bind<&TrackingCommands::tracking>(*this));
  table.add(kCaching, Handler::bind<&TrackingCommands::caching>(*this));
  table.add(kGetRedir, Handler::bind<&TrackingCommands::getredir>(*this));
  table.add(kTrackingInfo, Handler::bind<&TrackingCommands::trackinginfo>(*this));
}

}  // namespace ashlar::server::tracking
