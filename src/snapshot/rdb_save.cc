#include "snapshot/rdb_save.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"

namespace ashlar::snapshot {
namespace {

/// Filled at the cut, read by the snapshot's thread.
struct Cut {
  AuxInput aux;
  std::uint64_t changes = 0;
};

std::string temporary_name(const std::string& path) {
  return fmt::format("{}/temp-{}.rdb", directory_of(path), ::getpid());
}

}  // namespace

RdbSaver::~RdbSaver() {
  cancel(Which::kAny);
  wait(nullptr);
}

Result<void> RdbSaver::start(SaveJob job, keyspace::SafePoint::Participant* self) {
  return begin(std::move(job), self, Awaited::kNo);
}

Result<void> RdbSaver::begin(SaveJob job, keyspace::SafePoint::Participant* self, Awaited awaited) {
  {
    MutexLock lock(mutex_);
    if (status_.running) return fail("Background save already in progress");
    status_.running = true;
    unwanted_ = false;
    awaited_ = awaited;
    status_.started = host_.clock().wall();
  }
  auto target = PendingFile::create(fs_, temporary_name(job.path), job.path);
  if (!target) {
    ended(std::unexpected(target.error()), 0);
    return std::unexpected(std::move(target.error()));
  }
  keyspace::Keyspace& keyspace = host_.keyspace();
  const auto cut = std::make_shared<Cut>();  // shared by the two ends of the snapshot
  const keyspace::AccessSettings& access = keyspace.access();
  SnapshotPlan plan;
  plan.format = std::make_unique<RdbEntryFormat>(
      job.compression,
      rdb::clock_fields(access.policy.load(std::memory_order_relaxed), access.lfu(), host_.clock().wall()));
  plan.sink = std::make_unique<RdbFileSink>(std::move(*target), job.sync, job.checksum,
                                            [cut] { return standard_aux(cut->aux); });
  plan.at_cut = [cut, &keyspace, at_cut = std::move(job.at_cut)] {
    if (at_cut) cut->aux = at_cut();
    cut->changes = keyspace.total(&keyspace::Counters::changes);
  };
  plan.on_done = [this, cut](const Result<void>& result) { ended(result, cut->changes); };
  const auto snapshot = std::make_shared<SlotSnapshot>(host_, std::move(plan));
  {
    MutexLock lock(mutex_);
    snapshot_ = snapshot;
    if (unwanted_) snapshot->cancel();
  }
  snapshot->start(self);  // without the lock: a loop that asks for the status must be able to finish its batch
  return {};
}

Result<void> RdbSaver::save(SaveJob job, keyspace::SafePoint::Participant* self) {
  ASH_TRY_VOID(begin(std::move(job), self, Awaited::kYes));
  return current()->wait(self);
}

std::shared_ptr<SlotSnapshot> RdbSaver::current() const {
  MutexLock lock(mutex_);
  return snapshot_;
}

void RdbSaver::wait(keyspace::SafePoint::Participant* self) {
  const auto snapshot = current();
  if (snapshot != nullptr) (void)snapshot->wait(self);
}

void RdbSaver::cancel(Which which) {
  MutexLock lock(mutex_);
  if (!status_.running || (which == Which::kBackground && awaited_ == Awaited::kYes)) return;
  unwanted_ = true;
  if (snapshot_ != nullptr) snapshot_->cancel();
}

void RdbSaver::ended(const Result<void>& result, std::uint64_t changes) {
  const WallTime now = host_.clock().wall();
  MutexLock lock(mutex_);
  status_.running = false;
  status_.last_duration = now - status_.started;
  if (!result && unwanted_) {
    log::notice("Background saving terminated: it is not wanted any more");
    return;
  }
  if (!result) {
    if (awaited_ == Awaited::kNo) status_.last_error = result.error();
    log::warning("Background saving error: {}", result.error().text());
    return;
  }
  status_.last_error.reset();
  status_.last_saved = now;
  status_.changes_at_cut = changes;
  ++status_.saves;
  log::notice("DB saved on disk");
}

SaveStatus RdbSaver::status() const {
  SaveStatus status;
  std::shared_ptr<SlotSnapshot> snapshot;
  {
    MutexLock lock(mutex_);
    status = status_;
    snapshot = snapshot_;
  }
  if (snapshot != nullptr) status.progress = snapshot->progress();
  return status;
}

}  // namespace ashlar::snapshot
