#include "cluster/core/durability.h"

#include <utility>

namespace ashlar::cluster {

PersistToken Durability::begin_write() noexcept {
  dirty_ = false;
  writing_ = true;
  covered_ = generation_;
  last_token_ = last_token_.plus(1);
  return last_token_;
}

void Durability::written(PersistToken token) noexcept {
  if (!writing_ || token != last_token_) return;
  writing_ = false;
  durable_ = covered_;
}

void Durability::drop(LinkId link) {
  std::erase_if(waiting_, [link](const Held& held) {
    const auto* send = std::get_if<Send>(&held.what);
    return send != nullptr && send->link == link;
  });
}

std::vector<DurableVote> Durability::release(Effects& fx) {
  std::vector<DurableVote> votes;
  const std::uint64_t durable = trust_ == Trust::kBlind ? generation_ : durable_;
  while (!waiting_.empty() && waiting_.front().generation <= durable) {
    auto& what = waiting_.front().what;
    if (auto* send = std::get_if<Send>(&what)) {
      fx.sends.push_back(std::move(*send));
    } else if (auto* reply = std::get_if<AdminReply>(&what)) {
      fx.replies.push_back(std::move(*reply));
    } else if (auto* vote = std::get_if<PromisedVote>(&what)) {
      votes.push_back({vote->candidate, PersistedEpoch(vote->epoch)});
    }
    waiting_.pop_front();
  }
  return votes;
}

}  // namespace ashlar::cluster
