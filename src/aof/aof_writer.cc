#include "aof/aof_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "aof/command_format.h"
#include "base/check.h"
#include "base/log.h"

namespace ashlar::aof {
namespace {
/// A buffer larger than this is not kept for the next turn.
constexpr std::size_t kKeptCapacity = 1 << 20;
constexpr Micros kSlowSync = Seconds(2);
constexpr Micros kOldestUnsynced = Seconds(2);  // what `everysec` promises
}  // namespace

AofWriter::AofWriter(const Clock& clock, const WriterSettings& settings)
    : clock_(clock),
      policy_(settings.fsync),
      no_fsync_on_rewrite_(settings.no_fsync_on_rewrite),
      pending_bytes_max_(settings.pending_bytes_max),
      timestamps_(settings.timestamps) {}

AofWriter::~AofWriter() { stop(); }

void AofWriter::stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    work_.notify_all();
  }
  thread_.join();
}

void AofWriter::configure(const WriterSettings& settings) {
  policy_.store(settings.fsync, std::memory_order_relaxed);
  no_fsync_on_rewrite_.store(settings.no_fsync_on_rewrite, std::memory_order_relaxed);
  MutexLock lock(mutex_);
  timestamps_ = settings.timestamps;
  pending_bytes_max_ = settings.pending_bytes_max;
}

void AofWriter::append(std::string_view records) {
  MutexLock lock(mutex_);
  if (segments_.empty()) return;
  Segment& last = *segments_.back();
  if (last.broken) {
    appended_ += records.size();  // never durable: whoever commits them learns it
    return;
  }
  if (durable_ == appended_) durable_until_ = clock_.mono();
  const std::size_t before = last.pending.size();
  if (timestamps_) {
    const std::int64_t now = now_seconds_.load(std::memory_order_relaxed);
    if (now != stamped_second_) {
      stamped_second_ = now;
      last.pending += timestamp_line(WallTime(Seconds(now)));
    }
  }
  last.pending += records;
  appended_ += last.pending.size() - before;
  pending_bytes_ += last.pending.size() - before;
  has_work_.store(true, std::memory_order_relaxed);
  if (pending_bytes_ > pending_bytes_max_) [[unlikely]] {
    break_segment(last, Error{ErrorCode::kIo, fmt::format("{} bytes could not be written", pending_bytes_)});
  }
}

void AofWriter::break_segment(Segment& segment, const Error& error) {
  if (segment.broken) return;
  segment.broken = true;
  pending_bytes_ -= segment.pending.size();
  std::string().swap(segment.pending);
  if (!broken_error_) broken_error_ = error;
  log::warning("The append only file can only be repaired by a rewrite: {}", error.text());
  update_health();
  reach_changed();
}

void AofWriter::set_durable(std::uint64_t position) {
  if (position <= durable_) return;
  durable_ = position;
  reach_changed();
}

void AofWriter::reach_changed() {
  synced_.notify_all();
  if (wanted_ == 0) return;
  news_ = true;
  if (durable_ >= wanted_) wanted_ = 0;
  work_.notify_one();
}

void AofWriter::want_durable(std::uint64_t position) {
  MutexLock lock(mutex_);
  if (wanted_ >= position) return;
  if (durable_ >= position || segments_.empty() || segments_.front()->broken) {  // since reach() was asked
    news_ = true;
    work_.notify_one();
    return;
  }
  wanted_ = position;
  if (sync_due()) work_.notify_one();
}

bool AofWriter::sync_due() const {
  return wanted_ > durable_ && !sync_running_ && !segments_.empty() && !segments_.front()->broken;
}

Reach AofWriter::reach() const noexcept {
  // In this order: whatever makes more durable after a loss, the loss is seen with it.
  Reach now;
  now.durable = durable_;
  now.losses = losses_;
  now.healthy = healthy_;
  now.appended = appended_;
  return now;
}

void AofWriter::update_health() {
  const bool broken =
      std::any_of(segments_.begin(), segments_.end(), [](const SegmentPtr& segment) { return segment->broken; });
  if (!broken) broken_error_.reset();
  healthy_.store(!broken && !write_error_, std::memory_order_relaxed);
}

Result<void> AofWriter::flush() {
  if (!has_work_.load(std::memory_order_relaxed)) return {};
  if (!healthy()) {
    MutexLock lock(mutex_);
    if (broken_error_) return std::unexpected(*broken_error_);
    if (write_error_) return std::unexpected(*write_error_);
  }
  {
    MutexLock io(io_mutex_);
    ASH_TRY_VOID(write_all());
  }
  if (fsync_policy() == FsyncPolicy::kEverySecond) wait_for_late_sync();
  return {};
}

void AofWriter::wait_for_late_sync() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      const bool late = durable_ < appended_ && clock_.mono() - durable_until_ > kOldestUnsynced;
      if (!late || syncs_held() || segments_.empty() || segments_.front()->broken) return;
      if (sync_running_) {
        synced_.wait(mutex_);
        continue;
      }
      sync_running_ = true;
    }
    if (!write_and_sync()) return;  // healthy() tells
  }
}

Result<void> AofWriter::write_all() {
  for (;;) {
    SegmentPtr first;
    std::string batch;
    {
      MutexLock lock(mutex_);
      if (segments_.empty()) return {};
      first = segments_.front();
      if (first->broken) return std::unexpected(*broken_error_);
      batch.swap(first->pending);
      pending_bytes_ -= batch.size();
      if (batch.empty() && segments_.size() == 1) {
        has_work_.store(false, std::memory_order_relaxed);
        return {};
      }
    }
    if (batch.empty()) {
      ASH_TRY_VOID(retire(first));
    } else {
      ASH_TRY_VOID(write_batch(*first, batch));
    }
  }
}

Result<void> AofWriter::write_batch(Segment& segment, std::string& batch) {
  const std::uint64_t before = segment.size;
  if (auto done = segment.file->append(batch); !done) {
    const auto size = segment.file->size();
    if (!size || *size < before) {
      MutexLock lock(mutex_);
      break_segment(segment, done.error());
      return done;
    }
    std::uint64_t arrived = *size - before;
    if (arrived > 0 && segment.file->truncate(before)) arrived = 0;
    keep_unwritten(segment, batch, arrived, done.error());
    return done;
  }
  MutexLock lock(mutex_);
  segment.size += batch.size();
  segment.written += batch.size();
  segment.dirty = true;
  if (write_error_) {
    log::notice("Writing to the append only file works again");
    write_error_.reset();
    update_health();
  }
  batch.clear();
  if (segment.pending.empty() && batch.capacity() <= kKeptCapacity) segment.pending.swap(batch);
  return {};
}

void AofWriter::keep_unwritten(Segment& segment, std::string& batch, std::uint64_t arrived, const Error& error) {
  MutexLock lock(mutex_);
  segment.size += arrived;
  segment.written += arrived;
  segment.dirty = true;
  if (!segment.broken) {
    batch.erase(0, arrived);
    pending_bytes_ += batch.size();
    segment.pending.insert(0, batch);
  }
  if (!write_error_) {
    write_error_ = error;
    log::warning("Error writing to the append only file: {}", error.text());
  }
  update_health();
}

Result<void> AofWriter::retire(const SegmentPtr& segment) {
  MutexLock syncing(sync_mutex_);
  {
    MutexLock lock(mutex_);
    if (segment->broken) return std::unexpected(*broken_error_);  // by the sync that had to be waited for
  }
  const auto done = segment->file->sync();
  MutexLock lock(mutex_);
  if (!done) {
    break_segment(*segment, done.error());
    return done;
  }
  closed_bytes_ += segment->size;
  segments_.pop_front();  // the front is still `segment`: bases come with io_mutex_ locked
  set_durable(segment->written);
  return {};
}

Result<void> AofWriter::commit() {
  if (syncs_held()) return flush();
  std::uint64_t target = 0;
  std::uint64_t losses = 0;
  {
    MutexLock lock(mutex_);
    if (segments_.empty()) return {};
    target = appended_;
    losses = losses_;
  }
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (losses_ != losses) return fail(ErrorCode::kIo, "the append only file was closed");
      if (durable_ >= target) return {};
      const bool blocked = std::any_of(segments_.begin(), segments_.end(), [](const auto& s) { return s->broken; });
      if (blocked) return std::unexpected(*broken_error_);
      if (sync_running_) {
        synced_.wait(mutex_);
        continue;
      }
      sync_running_ = true;
    }
    // This caller does the work for all who wait; whoever comes later makes the next round.
    ASH_TRY_VOID(write_and_sync());
  }
}

/// Called with sync_running_ set by the caller, which it clears.
Result<void> AofWriter::write_and_sync() {
  Result<void> written;
  {
    MutexLock io(io_mutex_);
    written = write_all();
  }
  const Result<void> synced = sync_front();  // what could be written has those who wait for it
  MutexLock lock(mutex_);
  sync_running_ = false;
  synced_.notify_all();
  if (written && synced) {
    if (sync_due()) work_.notify_one();
    return {};
  }
  reach_changed();
  wanted_ = 0;
  return written ? synced : written;
}

Result<void> AofWriter::sync_front() {
  SegmentPtr segment;
  std::uint64_t upto = 0;
  MutexLock syncing(sync_mutex_);
  const MonoTime began = clock_.mono();
  {
    MutexLock lock(mutex_);
    if (segments_.empty()) return {};
    segment = segments_.front();
    upto = segment->written;
    if (segment->broken) return std::unexpected(*broken_error_);
    if (!segment->dirty) return {};
    segment->dirty = false;
  }
  const auto done = segment->file->sync();  // appending goes on meanwhile
  const Micros took = clock_.mono() - began;
  MutexLock lock(mutex_);
  if (took > kSlowSync) ++slow_syncs_;
  if (!done) {
    if (segments_.empty() || segments_.front() != segment) return {};  // nobody needs that file any more
    break_segment(*segment, done.error());
    return done;
  }
  sync_took_ = took;
  set_durable(upto);
  durable_until_ = began;  // whoever was acknowledged before had written, and all that was written is covered
  return {};
}

void AofWriter::open(std::unique_ptr<File> file, std::uint64_t size) {
  MutexLock io(io_mutex_);
  MutexLock lock(mutex_);
  ASH_CHECK(segments_.empty());
  auto segment = std::make_shared<Segment>();
  segment->file = std::move(file);
  segment->begin = segment->written = appended_.load();
  segment->dirty = true;  // what was loaded may never have been synced
  segment->size = size;
  segments_.push_back(std::move(segment));
  durable_ = appended_.load();
  closed_bytes_ = 0;
  update_health();
}

void AofWriter::continue_in(std::unique_ptr<File> file, std::string_view head) {
  MutexLock lock(mutex_);
  auto segment = std::make_shared<Segment>();
  segment->file = std::move(file);
  segment->begin = segment->written = appended_.load();
  segment->pending = head;
  appended_ += head.size();
  pending_bytes_ += head.size();
  segments_.push_back(std::move(segment));
  has_work_.store(true, std::memory_order_relaxed);
}

void AofWriter::base_complete() {
  std::vector<SegmentPtr> obsolete;  // closed when nothing is locked any more
  MutexLock io(io_mutex_);
  MutexLock lock(mutex_);
  while (segments_.size() > 1) {
    pending_bytes_ -= segments_.front()->pending.size();
    obsolete.push_back(std::move(segments_.front()));
    segments_.pop_front();
  }
  if (segments_.empty()) return;
  closed_bytes_ = 0;
  write_error_.reset();  // the next write will tell
  has_work_.store(true, std::memory_order_relaxed);
  update_health();
  set_durable(segments_.front()->begin);
  reach_changed();
}

Result<void> AofWriter::close() {
  Result<void> done = commit();
  std::deque<SegmentPtr> closed;
  MutexLock io(io_mutex_);
  MutexLock lock(mutex_);
  closed.swap(segments_);
  pending_bytes_ = 0;
  write_error_.reset();
  if (durable_ < appended_) {
    ++losses_;
    durable_ = appended_.load();  // nothing is left to wait for
  }
  update_health();
  reach_changed();
  wanted_ = 0;
  return done;
}

void AofWriter::background_step() {
  {
    MutexLock io(io_mutex_);
    (void)write_all();  // an error is kept in status(), and tried again in a second
  }
  if (fsync_policy() == FsyncPolicy::kNo || syncs_held()) return;
  {
    MutexLock lock(mutex_);
    if (sync_running_ || segments_.empty() || segments_.front()->broken) return;
    sync_running_ = true;
  }
  (void)write_and_sync();
}

Result<void> AofWriter::start_thread() {
  if (thread_.running()) return {};
  ASH_TRY(thread_, Thread::start("aof-sync", [this] { run(); }));
  return {};
}

void AofWriter::run() {
  for (;;) {
    bool idle = false;
    bool due = false;
    {
      MutexLock lock(mutex_);
      if (!stop_ && !news_ && !sync_due()) idle = !work_.wait_for(mutex_, Seconds(1));
      if (stop_) return;
      due = sync_due();
      if (due) sync_running_ = true;
    }
    if (due) {
      (void)write_and_sync();  // reach() tells
    } else if (idle) {
      background_step();
    }
    tell();
  }
}

void AofWriter::tell() {
  Micros took{0};
  {
    MutexLock lock(mutex_);
    if (!std::exchange(news_, false)) return;
    took = std::exchange(sync_took_, Micros(0));
  }
  if (told_) told_(took);
}

WriterStatus AofWriter::status() const {
  MutexLock lock(mutex_);
  WriterStatus s;
  s.pending_bytes = pending_bytes_;
  s.appended = appended_;
  s.durable = durable_;
  s.slow_syncs = slow_syncs_;
  s.sync_running = sync_running_;
  s.file_bytes = closed_bytes_;
  for (const SegmentPtr& segment : segments_) s.file_bytes += segment->size;
  s.written = segments_.empty() ? s.appended : segments_.front()->written;
  if (segments_.empty()) return s;
  if (broken_error_) {
    s.state = WriterState::kNeedsRewrite;
    s.error = broken_error_;
  } else if (write_error_) {
    s.state = WriterState::kWriteFailing;
    s.error = write_error_;
  } else {
    s.state = WriterState::kGood;
  }
  return s;
}

}  // namespace ashlar::aof
