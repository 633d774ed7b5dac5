#include "replication/waiters.h"

#include <algorithm>

#include "resp/encoder.h"

namespace ashlar::replication {

KeepState keep_state(const KeepGoal& goal, const Replicas& replicas, const Host& host) {
  KeepState state;
  state.replicas = replicas.acknowledged_by(goal.offset, goal.where);
  if (goal.where == Replicas::Kept::kInMemory) return state;
  const auto log = host.log_positions();
  state.log_is_off = !log.has_value();
  state.local = log && log->durable && *log->durable >= goal.log_position ? 1 : 0;
  return state;
}

void write_keep_state(resp::Encoder& reply, const KeepGoal& goal, const KeepState& state) {
  if (goal.where == Replicas::Kept::kOnDisk) {
    reply.array(2);
    reply.integer(static_cast<std::int64_t>(state.local));
  }
  reply.integer(static_cast<std::int64_t>(state.replicas));
}

void Waiters::add(ClientId client, const KeepGoal& goal, std::optional<MonoTime> deadline, command::Completion done) {
  waiters_.push_back({client, goal, deadline, std::move(done)});
  if (deadline) (void)loop_.call_at(*deadline, [this] { check(); });  // one that fires late finds nothing
  note_waits();  // before the look: what becomes durable behind it is told
  check();
}

void Waiters::note_waits() {
  wait_for_log_.store(std::ranges::any_of(waiters_, [](const Waiter& waiter) { return waiter.goal.local > 0; }));
}

void Waiters::forget(ClientId client) {
  std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.client == client; });
  note_waits();
}

bool Waiters::end(ClientId client, Early how) {
  const auto found = std::ranges::find(waiters_, client, &Waiter::client);
  if (found == waiters_.end()) return false;
  if (how == Early::kAsError) {
    found->done(
        [](resp::Encoder& reply) { reply.error({ErrorCode::kUnblocked, "client unblocked via CLIENT UNBLOCK"}); });
  } else {
    const KeepState state = keep_state(found->goal, replicas_, host_);
    found->done([goal = found->goal, state](resp::Encoder& reply) { write_keep_state(reply, goal, state); });
  }
  waiters_.erase(found);
  note_waits();
  return true;
}

void Waiters::cancel() {
  for (Waiter& waiter : waiters_) {
    waiter.done([](resp::Encoder& reply) {
      reply.error({ErrorCode::kUnblocked,
                   "force unblock from blocking operation, instance state changed (master -> "
                   "replica?)"});
    });
  }
  waiters_.clear();
  note_waits();
}

void Waiters::check() {
  std::erase_if(waiters_, [&](Waiter& waiter) {
    const KeepState state = keep_state(waiter.goal, replicas_, host_);
    if (waiter.goal.local > 0 && state.log_is_off) {
      waiter.done([](resp::Encoder& reply) { reply.error({ErrorCode::kGeneric, std::string(kNoLogForWaitaof)}); });
      return true;
    }
    const bool late = waiter.deadline && loop_.now() >= *waiter.deadline;
    if (!state.reaches(waiter.goal) && !late) return false;
    waiter.done([goal = waiter.goal, state](resp::Encoder& reply) { write_keep_state(reply, goal, state); });
    return true;
  });
  note_waits();
}

}  // namespace ashlar::replication
