#include "server/pubsub_commands.h"

#include <fmt/format.h>

#include "base/key_slot.h"
#include "server/client.h"
#include "server/help.h"
#include "server/slot_costs.h"

namespace ashlar::server::pubsub {

using command::Category;
using command::CommandSpec;
using command::Context;
using command::Flag;
using command::Group;
using command::Handler;
using command::KeyAccess;
using command::KeyAction;

namespace {

constexpr Flag kListening = Flag::kPubSub | Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSubscribed;
constexpr Flag kPublishing = Flag::kPubSub | Flag::kLoading | Flag::kStale | Flag::kFast | Flag::kMayReplicate;
constexpr Flag kAsking = Flag::kPubSub | Flag::kLoading | Flag::kStale;
constexpr std::string_view kPerChannel = "O(N) where N is the number of channels named";

constexpr CommandSpec kSubscribe{.name = "subscribe",
                                 .arity = command::at_least(2),
                                 .flags = kListening,
                                 .group = Group::kPubSub,
                                 .since = "2.0.0",
                                 .complexity = kPerChannel,
                                 .summary = "Listens to messages published to channels.",
                                 .syntax = "channel [channel ...]",
                                 .channels = command::Channels::kSubscribed};
constexpr CommandSpec kUnsubscribe{.name = "unsubscribe",
                                   .arity = command::at_least(1),
                                   .flags = kListening,
                                   .group = Group::kPubSub,
                                   .since = "2.0.0",
                                   .complexity = kPerChannel,
                                   .summary = "Stops listening to some channels, or to all.",
                                   .syntax = "[channel [channel ...]]"};
constexpr CommandSpec kPsubscribe{.name = "psubscribe",
                                  .arity = command::at_least(2),
                                  .flags = kListening,
                                  .group = Group::kPubSub,
                                  .since = "2.0.0",
                                  .complexity = "O(N) where N is the number of patterns named",
                                  .summary = "Listens to all channels whose names match patterns.",
                                  .syntax = "pattern [pattern ...]",
                                  .channels = command::Channels::kPatterns};
constexpr CommandSpec kPunsubscribe{.name = "punsubscribe",
                                    .arity = command::at_least(1),
                                    .flags = kListening,
                                    .group = Group::kPubSub,
                                    .since = "2.0.0",
                                    .complexity = "O(N) where N is the number of patterns named",
                                    .summary = "Stops listening to some patterns, or to all.",
                                    .syntax = "[pattern [pattern ...]]"};
constexpr CommandSpec kSsubscribe{.name = "ssubscribe",
                                  .arity = command::at_least(2),
                                  .flags = kListening,
                                  .group = Group::kPubSub,
                                  .keys = {command::key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kNotKey)},
                                  .since = "7.0.0",
                                  .complexity = kPerChannel,
                                  .summary = "Listens to messages published to shard channels.",
                                  .syntax = "shardchannel [shardchannel ...]",
                                  .channels = command::Channels::kSubscribed};
constexpr CommandSpec kSunsubscribe{.name = "sunsubscribe",
                                    .arity = command::at_least(1),
                                    .flags = kListening,
                                    .group = Group::kPubSub,
                                    .keys = {command::key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kNotKey)},
                                    .since = "7.0.0",
                                    .complexity = kPerChannel,
                                    .summary = "Stops listening to some shard channels, or to all.",
                                    .syntax = "[shardchannel [shardchannel ...]]"};
constexpr CommandSpec kPublish{
    .name = "publish",
    .arity = command::exactly(3),
    .flags = kPublishing,
    .group = Group::kPubSub,
    .since = "2.0.0",
    .complexity = "O(N+M) where N is the number of subscribers of the channel and M the number of patterns in use",
    .summary = "Sends a message to all who listen to a channel.",
    .syntax = "channel message",
    .channels = command::Channels::kPublished};
constexpr CommandSpec kSpublish{.name = "spublish",
                                .arity = command::exactly(3),
                                .flags = kPublishing,
                                .group = Group::kPubSub,
                                .keys = {command::one_key(1, KeyAccess::kRO, KeyAction::kNotKey)},
                                .since = "7.0.0",
                                .complexity = "O(N) where N is the number of subscribers of the shard channel",
                                .summary = "Sends a message to all who listen to a shard channel.",
                                .syntax = "shardchannel message",
                                .channels = command::Channels::kPublished};
constexpr CommandSpec kPubSub{.name = "pubsub",
                              .arity = command::at_least(2),
                              .group = Group::kPubSub,
                              .since = "2.8.0",
                              .complexity = "Depends on subcommand.",
                              .summary = "Holds the commands that tell who listens."};
constexpr CommandSpec kChannels{.name = "pubsub|channels",
                                .arity = command::at_least(2),
                                .flags = kAsking,
                                .group = Group::kPubSub,
                                .since = "2.8.0",
                                .complexity = "O(N) where N is the number of channels that somebody listens to",
                                .summary = "Names of the channels that somebody listens to.",
                                .syntax = "[pattern]"};
constexpr CommandSpec kNumSub{.name = "pubsub|numsub",
                              .arity = command::at_least(2),
                              .flags = kAsking,
                              .group = Group::kPubSub,
                              .since = "2.8.0",
                              .complexity = kPerChannel,
                              .summary = "How many listen to each of some channels.",
                              .syntax = "[channel [channel ...]]"};
constexpr CommandSpec kNumPat{.name = "pubsub|numpat",
                              .arity = command::exactly(2),
                              .flags = kAsking,
                              .group = Group::kPubSub,
                              .since = "2.8.0",
                              .summary = "How many different patterns somebody listens to."};
constexpr CommandSpec kShardChannels{
    .name = "pubsub|shardchannels",
    .arity = command::at_least(2),
    .flags = kAsking,
    .group = Group::kPubSub,
    .since = "7.0.0",
    .complexity = "O(N) where N is the number of shard channels that somebody listens to",
    .summary = "Names of the shard channels that somebody listens to.",
    .syntax = "[pattern]"};
constexpr CommandSpec kShardNumSub{.name = "pubsub|shardnumsub",
                                   .arity = command::at_least(2),
                                   .flags = kAsking,
                                   .group = Group::kPubSub,
                                   .since = "7.0.0",
                                   .complexity = kPerChannel,
                                   .summary = "How many listen to each of some shard channels.",
                                   .syntax = "[shardchannel [shardchannel ...]]"};
constexpr CommandSpec kHelp{.name = "pubsub|help",
                            .arity = command::exactly(2),
                            .flags = Flag::kLoading | Flag::kStale,
                            .group = Group::kPubSub,
                            .since = "6.2.0",
                            .summary = "Lists the subcommands of PUBSUB."};

/// The first words of what a subscriber is told.
struct Words {
  std::string_view joined;
  std::string_view left;
};
constexpr Words words_of(Kind kind) {
  switch (kind) {
    case Kind::kChannel: return {"subscribe", "unsubscribe"};
    case Kind::kPattern: return {"psubscribe", "punsubscribe"};
    case Kind::kShardChannel: return {"ssubscribe", "sunsubscribe"};
  }
  return {};
}

/// What a subscriber is told it listens to: shard channels are counted apart from the rest.
std::int64_t shown_count(const Client& client, Kind kind) {
  const Subscriptions& own = client.subscriptions();
  if (kind == Kind::kShardChannel) return static_cast<std::int64_t>(own.count(kind));
  return static_cast<std::int64_t>(own.count(Kind::kChannel) + own.count(Kind::kPattern));
}

void tell(resp::Encoder& reply, std::string_view word, std::optional<std::string_view> name, std::int64_t count) {
  reply.push(3);
  reply.bulk(word);
  name ? reply.bulk(*name) : reply.null();
  reply.integer(count);
}

void join(Context& ctx, Kind kind) {
  Client* client = client_of(ctx.session);
  // In a transaction each command has exactly one reply; for channels and patterns Redis has always let that pass.
  if (client == nullptr || (ctx.session.in_transaction && kind == Kind::kShardChannel)) {
    std::string upper(ctx.spec.name);
    for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
    return ctx.error(upper + " isn't allowed for a DENY BLOCKING client");
  }
  client->answer_with_push();
  for (const std::string_view name : ctx.args.subspan(1)) {
    client->worker().audience().subscribe(*client, kind, name);
    tell(ctx.reply, words_of(kind).joined, name, shown_count(*client, kind));
  }
}

void leave(Context& ctx, Kind kind) {
  Client* client = client_of(ctx.session);
  if (client == nullptr) return;  // nothing to leave, nobody to tell
  client->answer_with_push();
  std::vector<std::string> all;
  std::vector<std::string_view> names(ctx.args.begin() + 1, ctx.args.end());
  if (names.empty()) {
    const Names& own = client->subscriptions().of(kind);
    all.assign(own.begin(), own.end());
    names.assign(all.begin(), all.end());
  }
  if (names.empty()) return tell(ctx.reply, words_of(kind).left, std::nullopt, shown_count(*client, kind));
  for (const std::string_view name : names) {
    client->worker().audience().unsubscribe(*client, kind, name);
    tell(ctx.reply, words_of(kind).left, name, shown_count(*client, kind));
  }
}

}  // namespace

void PubSubCommands::subscribe(Context& ctx) { join(ctx, Kind::kChannel); }
void PubSubCommands::unsubscribe(Context& ctx) { leave(ctx, Kind::kChannel); }
void PubSubCommands::psubscribe(Context& ctx) { join(ctx, Kind::kPattern); }
void PubSubCommands::punsubscribe(Context& ctx) { leave(ctx, Kind::kPattern); }
void PubSubCommands::ssubscribe(Context& ctx) { join(ctx, Kind::kShardChannel); }
void PubSubCommands::sunsubscribe(Context& ctx) { leave(ctx, Kind::kShardChannel); }

void PubSubCommands::publish_in(Context& ctx, Hub::Scope scope) {
  const std::uint64_t receivers = hub_.publish(scope, ctx.args[1], ctx.args[2]);
  if (scope == Hub::Scope::kShard && slot_stats_ != nullptr) {
    count_shard_message(*slot_stats_, ctx.args[1], ctx.args[2], receivers);
  }
  broadcast_ ? broadcast_(scope, ctx.args[1], ctx.args[2]) : ctx.effects.force_for_replicas();
  ctx.reply.integer(static_cast<std::int64_t>(receivers));
}

void PubSubCommands::publish(Context& ctx) { publish_in(ctx, Hub::Scope::kEverywhere); }
void PubSubCommands::spublish(Context& ctx) { publish_in(ctx, Hub::Scope::kShard); }

void PubSubCommands::list_names(Context& ctx, Kind kind) {
  if (ctx.args.size() > 3) {
    return ctx.error(
        fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try PUBSUB HELP.", ctx.args[1]));
  }
  const auto pattern = ctx.args.size() == 3 ? std::optional(ctx.args[2]) : std::nullopt;
  const std::vector<std::string> names = hub_.names(kind, pattern);
  ctx.reply.array(names.size());
  for (const std::string& name : names) ctx.reply.bulk(name);
}

void PubSubCommands::list_counts(Context& ctx, Kind kind) {
  const auto names = ctx.args.subspan(2);
  ctx.reply.array(2 * names.size());
  for (const std::string_view name : names) {
    ctx.reply.bulk(name);
    ctx.reply.integer(static_cast<std::int64_t>(hub_.subscribers(kind, name)));
  }
}

void PubSubCommands::channels(Context& ctx) { list_names(ctx, Kind::kChannel); }
void PubSubCommands::numsub(Context& ctx) { list_counts(ctx, Kind::kChannel); }
void PubSubCommands::numpat(Context& ctx) { ctx.reply.integer(static_cast<std::int64_t>(hub_.count(Kind::kPattern))); }
void PubSubCommands::shardchannels(Context& ctx) { list_names(ctx, Kind::kShardChannel); }
void PubSubCommands::shardnumsub(Context& ctx) { list_counts(ctx, Kind::kShardChannel); }

void PubSubCommands::help(Context& ctx) {
  static constexpr std::string_view kLines[] = {
      "CHANNELS [<pattern>]",
      "    The channels that somebody listens to, all or those that match a pattern.",
      "NUMPAT",
      "    How many different patterns somebody listens to.",
      "NUMSUB [<channel> ...]",
      "    How many listen to each channel; listeners by pattern are not counted.",
      "SHARDCHANNELS [<pattern>]",
      "    The shard channels that somebody listens to, all or those that match a pattern.",
      "SHARDNUMSUB [<shardchannel> ...]",
      "    How many listen to each shard channel.",
  };
  reply_help(ctx, "PUBSUB", kLines);
}

void PubSubCommands::register_in(command::CommandTable& table) {
  table.add(kSubscribe, Handler::bind<&PubSubCommands::subscribe>(*this));
  table.add(kUnsubscribe, Handler::bind<&PubSubCommands::unsubscribe>(*this));
  table.add(kPsubscribe, Handler::bind<&PubSubCommands::psubscribe>(*this));
  table.add(kPunsubscribe, Handler::bind<&PubSubCommands::punsubscribe>(*this));
  table.add(kSsubscribe, Handler::bind<&PubSubCommands::ssubscribe>(*this));
  table.add(kSunsubscribe, Handler::bind<&PubSubCommands::sunsubscribe>(*this));
  table.add(kPublish, Handler::bind<&PubSubCommands::publish>(*this));
  table.add(kSpublish, Handler::bind<&PubSubCommands::spublish>(*this));
  table.add_container(kPubSub);
  table.add(kChannels, Handler::bind<&PubSubCommands::channels>(*this));
  table.add(kNumSub, Handler::bind<&PubSubCommands::numsub>(*this));
  table.add(kNumPat, Handler::bind<&PubSubCommands::numpat>(*this));
  table.add(kShardChannels, Handler::bind<&PubSubCommands::shardchannels>(*this));
  table.add(kShardNumSub, Handler::bind<&PubSubCommands::shardnumsub>(*this));
  table.add(kHelp, Handler::bind<&PubSubCommands::help>(*this));
}

void leave_shard_channels(Worker& worker, const std::function<bool(SlotId)>& left) {
  Audience& audience = worker.audience();
  const auto names = audience.names(Kind::kShardChannel, [&](const std::string& name) { return left(key_slot(name)); });
  for (const std::string& name : names) {
    const Audience::Clients* found = audience.find(Kind::kShardChannel, name);
    if (found == nullptr) continue;
    for (Client* client : Audience::Clients(*found)) {
      audience.unsubscribe(*client, Kind::kShardChannel, name);
      ByteBuffer frame;
      resp::Encoder text(frame);
      tell(text, words_of(Kind::kShardChannel).left, name, shown_count(*client, Kind::kShardChannel));
      worker.push(*client, frame.view());
    }
  }
}

}  // namespace ashlar::server::pubsub
