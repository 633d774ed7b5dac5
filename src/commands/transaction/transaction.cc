#include "command/transaction.h"

#include <span>
#include <string_view>
#include <vector>

#include "command/context.h"
#include "command/keys.h"
#include "command/reach.h"
#include "commands/transaction/commands.h"

namespace ashlar::commands {

using namespace command;

namespace {

constexpr Flag kAnyTime = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kAllowBusy | Flag::kFast;

constexpr CommandSpec kMulti{.name = "multi",
                             .arity = exactly(1),
                             .flags = kAnyTime | Flag::kNoMulti | Flag::kImmediate,
                             .group = Group::kTransactions,
                             .categories = Category::kTransaction,
                             .since = "1.2.0",
                             .summary = "Begins a transaction: the commands that follow wait for EXEC."};
void multi(Context& ctx) {
  if (ctx.session.in_transaction) return ctx.error("MULTI calls can not be nested");
  ensure_transaction(ctx.session).open = true;
  ctx.session.in_transaction = true;
  ctx.reply.ok();
}

constexpr CommandSpec kDiscard{.name = "discard",
                               .arity = exactly(1),
                               .flags = kAnyTime | Flag::kImmediate,
                               .group = Group::kTransactions,
                               .categories = Category::kTransaction,
                               .since = "2.0.0",
                               .complexity = "O(N) where N is the number of commands that waited.",
                               .summary = "Throws away what was queued since MULTI."};
void discard(Context& ctx) {
  if (!ctx.session.in_transaction) return ctx.error("DISCARD without MULTI");
  end_transaction(ctx.session, ctx.db.keyspace(), WatchedSlots::kFree);
  ctx.reply.ok();
}

constexpr CommandSpec kWatch{.name = "watch",
                             .arity = at_least(2),
                             .flags = kAnyTime | Flag::kNoMulti | Flag::kImmediate,
                             .group = Group::kTransactions,
                             .categories = Category::kTransaction,
                             .keys = {key_range(1, -1, 1, KeyAccess::kRO, KeyAction::kNone)},
                             .since = "2.2.0",
                             .complexity = "O(1) for each key.",
                             .summary = "Makes the next EXEC do nothing if one of the keys is changed before it.",
                             .syntax = "key [key ...]"};
void watch(Context& ctx) {
  if (ctx.session.in_transaction) return ctx.error("WATCH inside MULTI is not allowed");
  for (const KeyRef& key : ctx.keys) {
    watch_key(ctx.session, ctx.db.keyspace(), ctx.db.index(), key, ctx.now());
  }
  ctx.reply.ok();
}

constexpr CommandSpec kUnwatch{.name = "unwatch",
                               .arity = exactly(1),
                               .flags = kAnyTime,
                               .group = Group::kTransactions,
                               .categories = Category::kTransaction,
                               .since = "2.2.0",
                               .summary = "Forgets the keys that this connection watches."};
void unwatch(Context& ctx) {
  // In a transaction EXEC has forgotten them already, so no slot is locked twice.
  unwatch_all(ctx.session, ctx.db.keyspace(), WatchedSlots::kFree);
  ctx.reply.ok();
}

constexpr CommandSpec kExec{.name = "exec",
                            .arity = exactly(1),
                            .flags = Flag::kNoScript | Flag::kLoading | Flag::kStale | Flag::kSkipSlowlog |
                                     Flag::kImmediate | Flag::kComposite | Flag::kRunsQueue,
                            .group = Group::kTransactions,
                            .categories = Category::kTransaction,
                            .since = "1.2.0",
                            .complexity = "That of the queued commands.",
                            .summary = "Runs what was queued since MULTI, with nothing in between."};

/// Administrative commands stop and start things that take the whole key space for themselves; inside a transaction
/// they run between its commands, not among them.
bool runs_alone(const CommandSpec& spec) { return spec.is(Flag::kAdmin) && !spec.has_keys(); }

/// One EXEC under way.
class Run {
 public:
  explicit Run(Context& ctx) : ctx_(ctx), transaction_(*ctx.session.transaction) {
    // The queue leaves the session: what runs may look at it.
    queue_.swap(transaction_.queue);
    for (const QueuedCommand& queued : queue_) {
      whole_ |= looks_at_all_slots(queued.command->spec) && !runs_alone(queued.command->spec);
      whole_ |= queued.command->spec.is(Flag::kComposite);
      args_.assign(queued.args.begin(), queued.args.end());
      whole_ |= reaches_beyond_keys(queued.command->spec, args_);
      find_keys(queued.command->spec, args_, positions_, NamesWithSlots::kKeysAndShardChannels);
      auto& names = queued.command->spec.is(Flag::kPubSub) ? channels_ : keys_;
      for (const KeyPosition& position : positions_) names.push_back(ctx.inner().ref(args_[position.argument]));
    }
    locked_ = keys_;
    locked_.insert(locked_.end(), channels_.begin(), channels_.end());
    for (const WatchedKey& watched : transaction_.watched) locked_.push_back(ctx.inner().ref(watched.text));
    place_channels();
  }

  void operator()() {
    do {
      const GroupScope scope{
          .extent = whole_ ? GroupScope::Extent::kWholeKeyspace : GroupScope::Extent::kKeys,
          .keys = locked_,
          .routed = begun_ ? std::span<const KeyRef>() : keys_,
          .flags = begun_ ? Flag::kNone : flags_,
      };
      const GroupEnd end = ctx_.inner().group(ctx_, scope, [this] { run_stretch(); });
      if (end == GroupEnd::kPostponed) {
        queue_.swap(transaction_.queue);  // as if it had not been tried
        return;
      }
      if (end == GroupEnd::kRefused || broken_) break;
      if (next_ < queue_.size()) {
        put(queue_[next_++], Manner::kAlone);
      }
    } while (next_ < queue_.size());
    end_transaction(ctx_.session, ctx_.db.keyspace(), WatchedSlots::kFree);
  }

 private:
  enum class Manner : std::uint8_t { kInGroup, kAlone };

  /// Shard channels hold no data: whether a queue with keys belongs here is for these to say, as long as the channels
  /// are of the same slot.
  void place_channels() {
    constexpr Flag kAsked = Flag::kWrite | Flag::kReadOnly | Flag::kMayReplicate;
    flags_ = transaction_.flags & (keys_.empty() ? kAsked | Flag::kPubSub : kAsked);
    for (const KeyRef& channel : channels_) {
      if (keys_.empty() || channel.slot != keys_[0].slot) keys_.push_back(channel);
    }
  }
  void run_stretch() {
    if (!begun_) {
      begun_ = true;
      broken_ = watch_broken(transaction_, ctx_.db.keyspace(), ctx_.now());
      unwatch_all(ctx_.session, ctx_.db.keyspace(), WatchedSlots::kLocked);
      if (broken_) return ctx_.reply.null_array();
      ctx_.reply.array(queue_.size());
    }
    while (next_ < queue_.size() && !runs_alone(queue_[next_].command->spec)) put(queue_[next_++], Manner::kInGroup);
  }
  void put(const QueuedCommand& queued, Manner manner) {
    args_.assign(queued.args.begin(), queued.args.end());
    ByteBuffer& replies = ctx_.reply.output();
    const std::size_t before = replies.size();
    const auto refusal = manner == Manner::kAlone
                             ? ctx_.inner().alone(args_, ctx_.session, ctx_.reply)
                             : ctx_.inner().call(args_, ctx_.session, ctx_.reply, Caller::kTransaction);
    if (refusal) ctx_.error(refusal->error);
    if (before > ctx_.session.reply_limit()) [[unlikely]]
      replies.truncate(before);
  }

  Context& ctx_;
  Transaction& transaction_;
  std::vector<QueuedCommand> queue_;
  std::vector<KeyRef> keys_;      // views into queue_
  std::vector<KeyRef> channels_;  // the same
  std::vector<KeyRef> locked_;    // both, and the watched ones
  Flag flags_ = Flag::kNone;      // of the queue, as far as the place matters
  std::vector<std::string_view> args_;
  std::vector<KeyPosition> positions_;
  std::size_t next_ = 0;
  bool whole_ = false;
  bool begun_ = false;
  bool broken_ = false;
};

void exec(Context& ctx) {
  if (!ctx.session.in_transaction) return ctx.error("EXEC without MULTI");
  if (ctx.session.transaction->aborted) {
    end_transaction(ctx.session, ctx.db.keyspace(), WatchedSlots::kFree);
    return ctx.error(ErrorCode::kExecAbort);
  }
  Run run(ctx);
  run();
}

}  // namespace

void register_transaction_commands(CommandTable& table) {
  table.add(kMulti, &multi);
  table.add(kExec, &exec);
  table.add(kDiscard, &discard);
  table.add(kWatch, &watch);
  table.add(kUnwatch, &unwatch);
}

}  // namespace ashlar::commands
