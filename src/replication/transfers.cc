#include "replication/transfers.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "snapshot/entry_format.h"

namespace ashlar::replication {

std::int64_t Transfers::start(std::vector<TransferTarget> targets, Route route, Content content,
                              const Settings& settings) {
  const std::uint64_t number = next_number_++;
  Transfer& transfer = running_[number];
  count_ = running_.size();
  transfer.route = route;
  for (const TransferTarget& target : targets) transfer.links.insert(target.link);

  const auto cut = std::make_shared<Cut>();
  const auto news = std::make_shared<TransferNews>();
  transfer.news = news;
  const keyspace::AccessSettings& access = parts_.snapshots.keyspace().access();
  snapshot::SnapshotPlan plan;
  if (content != Content::kAll) plan.slots.reset();
  plan.format = std::make_unique<snapshot::RdbEntryFormat>(
      settings.compression,
      snapshot::rdb::clock_fields(access.policy.load(std::memory_order_relaxed), access.lfu(), parts_.loop.wall_now()));
  plan.sink =
      std::make_unique<TransferSink>(TransferSink::Plan{.targets = std::move(targets),
                                                        .news = news,
                                                        .cut = cut,
                                                        .route = route,
                                                        .mark = random_node_id().hex(),
                                                        .path = fmt::format("temp-repl-{}.{}.rdb", ::getpid(), number),
                                                        .files = &parts_.files,
                                                        .clock = &parts_.loop.clock(),
                                                        .checksum = settings.checksum,
                                                        .redis_version = settings.redis_version});
  plan.at_cut = [this, cut, content] {
    const History history = parts_.stream.history();
    *cut = {history.id, history.end, parts_.stream_db(), {}};
    if (content != Content::kNothing) cut->functions = parts_.snapshots.keyspace().function_codes();
    parts_.log.forget_replication_db();
  };
  plan.on_done = [this, number, news](const Result<void>& result) {
    std::optional<Error> error;
    if (!result) error = result.error();
    parts_.loop.post(
        [this, number, error = std::move(error), lost = news->take_lost()] { ended(number, error, lost); });
  };
  transfer.snapshot = std::make_unique<snapshot::SlotSnapshot>(parts_.snapshots, std::move(plan));
  transfer.snapshot->start(nullptr);
  return cut->offset;
}

void Transfers::ended(std::uint64_t number, const std::optional<Error>& error,
                      const std::unordered_map<std::uint64_t, Error>& lost) {
  const auto it = running_.find(number);
  if (it == running_.end()) return;
  const auto links = std::move(it->second.links);
  const Route route = it->second.route;
  running_.erase(it);
  count_ = running_.size();
  if (route == Route::kSocket) {
    const auto left = std::ranges::count_if(links, [&](std::uint64_t link) { return !error && !lost.contains(link); });
    if (left == 0) log::notice("Diskless rdb transfer, last replica dropped: given up");
    if (left != 0) log::notice("Diskless rdb transfer, done: {} replicas still up", left);
  }
  for (const std::uint64_t link : links) {
    const auto found = lost.find(link);
    parts_.on_done(link, found != lost.end() ? std::optional(found->second) : error);
  }
  parts_.on_idle();
}

void Transfers::leave(std::uint64_t link) {
  for (auto& [number, transfer] : running_) {
    if (transfer.links.erase(link) != 0 && transfer.links.empty()) transfer.snapshot->cancel();
  }
}

bool Transfers::complete(std::uint64_t link) const {
  return std::ranges::any_of(
      running_, [&](const auto& entry) { return entry.second.links.contains(link) && entry.second.news->complete(); });
}

bool Transfers::sends_file(std::uint64_t link) const {
  return std::ranges::any_of(running_, [&](const auto& entry) {
    const Transfer& transfer = entry.second;
    return transfer.route == Route::kFile && transfer.links.contains(link) && transfer.news->complete();
  });
}

bool Transfers::streaming() const noexcept {
  return std::ranges::any_of(running_, [](const auto& entry) { return entry.second.route == Route::kSocket; });
}

}  // namespace ashlar::replication
