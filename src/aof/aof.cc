#include "aof/aof.h"

#include <array>
#include <utility>

#include "aof/command_format.h"
#include "base/check.h"
#include "base/log.h"

namespace ashlar::aof {

using snapshot::SlotSnapshot;
using snapshot::SnapshotPlan;

/// Made before the cut, completed at it, used when the base is durable.
struct Aof::Running {
  std::optional<AofFiles::NewFile> increment;  // none while the log is off
  ManifestFile base;
  std::unique_ptr<snapshot::PendingFile> target;
  snapshot::AuxInput aux;
  std::uint64_t closings = 0;    // before it began
  std::optional<Error> refused;  // at the cut
};

namespace {

/// A base in the form of commands.
class CommandFileSink final : public snapshot::SnapshotSink {
 public:
  /// `head` stands in front. `functions` gives the code of the libraries at the cut; asked once, after it.
  CommandFileSink(std::unique_ptr<snapshot::PendingFile> target, snapshot::SyncMode mode, std::string head,
                  std::function<std::vector<std::string>()> functions)
      : target_(std::move(target)),
        out_(target_->file(), mode),
        head_(std::move(head)),
        functions_(std::move(functions)) {}
  Result<void> begin(const std::vector<snapshot::DbSizeHint>& /*sizes*/) override {
    std::string head = head_;
    for (const std::string& code : functions_()) {
      const std::array<std::string_view, 3> args = {"FUNCTION", "LOAD", code};
      append_command(head, args);
    }
    return out_.write(head);
  }
  Result<void> write(std::string_view bytes) override { return out_.write(bytes); }
  Result<void> finish() override { return target_->commit(); }

 private:
  std::unique_ptr<snapshot::PendingFile> target_;
  snapshot::FileSink out_;
  std::string head_;
  std::function<std::vector<std::string>()> functions_;
};

}  // namespace

Aof::Aof(snapshot::SnapshotHost& host, FileSystem& fs, const WriterSettings& settings)
    : host_(host), fs_(fs), writer_(host.clock(), settings) {}

Aof::~Aof() {
  cancel_rewrite();
  wait(nullptr);
}

Result<void> Aof::open(AofPaths paths) {
  MutexLock files_lock(files_mutex_);
  ASH_TRY(files_, AofFiles::open(fs_, std::move(paths)));
  return {};
}

bool Aof::empty() const {
  MutexLock files_lock(files_mutex_);
  return !files_ || files_->manifest().empty();
}

Result<AofLoadReport> Aof::load(const AofLoadOptions& options) {
  MutexLock files_lock(files_mutex_);
  ASH_CHECK(files_.has_value());
  return load_aof(*files_, host_.keyspace(), options);
}

std::uint64_t Aof::bytes_to_load() const {
  MutexLock files_lock(files_mutex_);
  return files_ ? total_bytes(*files_).value_or(0) : 0;
}

Result<void> Aof::start(const RewriteJob& empty_base) {
  MutexLock files_lock(files_mutex_);
  ASH_CHECK(files_.has_value());
  if (files_->manifest().empty()) {
    ASH_TRY_VOID(make_first_files(empty_base));
  } else if (files_->manifest().increments.empty()) {
    ASH_TRY(auto increment, files_->create_increment());
    Manifest next = files_->manifest();
    next.increments.push_back(increment.entry);
    ASH_TRY_VOID(files_->replace(std::move(next)));
  }
  if (history_ == AofFiles::History::kDelete) ASH_TRY_VOID(files_->delete_history());
  ASH_TRY(auto file, files_->open_last_increment());
  ASH_TRY(const std::uint64_t size, file->size());
  ASH_TRY(const std::uint64_t total, total_bytes(*files_));
  std::uint64_t base = 0;
  if (files_->manifest().base) {
    ASH_TRY(base, files_->size_of(files_->manifest().base->name));
  }
  writer_.open(std::move(file), size);
  ASH_TRY_VOID(writer_.start_thread());
  MutexLock lock(mutex_);
  mode_ = Mode::kOn;
  other_bytes_ = total - size;
  status_.base_bytes = base;  // or who is restarted often would never rewrite
  return {};
}

Result<void> Aof::make_first_files(const RewriteJob& job) {
  Manifest next;
  next.base = files_->next_base(job.form);
  ASH_TRY(auto target,
          snapshot::PendingFile::create(fs_, files_->temporary_base_path(), files_->path_of(next.base->name)));
  if (job.form == BaseForm::kRdb) {
    RewriteCut cut;
    if (job.at_cut) {
      ASH_TRY(cut, job.at_cut());
    }
    cut.aux.purpose = snapshot::RdbPurpose::kAofBase;
    snapshot::FileSink out(target->file(), snapshot::SyncMode::kAtEnd);
    snapshot::RdbWriter writer(out, job.checksum);
    ASH_TRY_VOID(writer.begin(snapshot::standard_aux(cut.aux), {}));
    ASH_TRY_VOID(writer.end());
  }
  ASH_TRY_VOID(target->commit());
  ASH_TRY(auto increment, files_->create_increment());
  next.increments.push_back(increment.entry);
  return files_->replace(std::move(next));
}

Result<void> Aof::set_history(AofFiles::History history) {
  MutexLock files_lock(files_mutex_);
  history_ = history;
  return files_ && history == AofFiles::History::kDelete ? files_->delete_history() : Result<void>{};
}

Result<void> Aof::enable(RewriteJob job, keyspace::SafePoint::Participant* self) {
  bool another_runs = false;
  {
    MutexLock lock(mutex_);
    if (mode_ != Mode::kOff) return {};
    mode_ = Mode::kWaitsForBase;
    another_runs = status_.rewriting;
  }
  auto begun = writer_.start_thread();
  if (begun && another_runs) return {};
  if (begun) begun = rewrite(std::move(job), self);
  if (!begun) {
    MutexLock lock(mutex_);
    mode_ = Mode::kOff;
  }
  return begun;
}

Result<void> Aof::disable(keyspace::SafePoint::Participant* self) {
  if (status().rewriting) log::notice("Killing the running AOF rewrite (a thread: there is no child)");
  cancel_rewrite();
  wait(self);
  ++closings_;
  Result<void> done = writer_.close();
  MutexLock lock(mutex_);
  mode_ = Mode::kOff;
  return done;
}

Result<void> Aof::renew(const AofPaths& paths, keyspace::SafePoint::Participant* self) {
  std::optional<AofFiles> others;
  {
    MutexLock files_lock(files_mutex_);
    if (!files_ || files_->paths() != paths) {
      ASH_TRY(others, AofFiles::open(fs_, paths));
    }
  }
  if (const auto closed = disable(self); !closed) {
    log::warning("The end of the former append only file is lost: {}", closed.error().text());
  }
  ASH_TRY_VOID(writer_.start_thread());
  MutexLock files_lock(files_mutex_);
  if (others) files_ = std::move(others);
  MutexLock lock(mutex_);
  mode_ = Mode::kWaitsForBase;
  return {};
}

Result<void> Aof::rewrite(RewriteJob job, keyspace::SafePoint::Participant* self) {
  {
    MutexLock lock(mutex_);
    if (status_.rewriting) return fail("Background append only file rewriting already in progress");
    status_.rewriting = true;
    status_.rewrite_started = host_.clock().wall();
    ++status_.rewrites;
  }
  auto begun = begin_rewrite(std::move(job), self);
  if (!begun) rewrite_over(begun);
  return begun;
}

/// The new increment is named by a durable manifest before the cut, so that no record ever goes to a file that nobody
/// would load. Only the first base of a log that was switched on has no manifest to go into yet, and a log that is off
/// has no increment.
Result<std::shared_ptr<Aof::Running>> Aof::prepare(const AofPaths& paths) {
  auto running = std::make_shared<Running>();
  running->closings = closings_;
  Mode mode = Mode::kOff;
  {
    MutexLock lock(mutex_);
    mode = mode_;
  }
  if (!files_ || (mode != Mode::kOn && files_->paths() != paths)) {
    ASH_TRY(files_, AofFiles::open(fs_, paths));
  }
  if (mode == Mode::kOff) return running;
  ASH_TRY(running->increment, files_->create_increment());
  if (mode == Mode::kOn) {
    Manifest next = files_->manifest();
    next.increments.push_back(running->increment->entry);
    ASH_TRY_VOID(files_->replace(std::move(next)));
  }
  return running;
}

Result<void> Aof::begin_rewrite(RewriteJob job, keyspace::SafePoint::Participant* self) {
  std::shared_ptr<Running> running;
  {
    MutexLock files_lock(files_mutex_);
    ASH_TRY(running, prepare(job.paths));
    running->base = files_->next_base(job.form);
    ASH_TRY(running->target,
            snapshot::PendingFile::create(fs_, files_->temporary_base_path(), files_->path_of(running->base.name)));
  }
  const keyspace::AccessSettings& access = host_.keyspace().access();
  SnapshotPlan plan;
  if (job.form == BaseForm::kRdb) {
    plan.format = std::make_unique<snapshot::RdbEntryFormat>(
        job.compression,
        snapshot::rdb::clock_fields(access.policy.load(std::memory_order_relaxed), access.lfu(), host_.clock().wall()));
    plan.sink = std::make_unique<snapshot::RdbFileSink>(std::move(running->target), job.sync, job.checksum,
                                                        [running] { return snapshot::standard_aux(running->aux); });
  } else {
    plan.format = std::make_unique<CommandEntryFormat>();
    std::string mark = job.timestamps ? timestamp_line(host_.clock().wall()) : std::string();
    plan.sink = std::make_unique<CommandFileSink>(std::move(running->target), job.sync, std::move(mark),
                                                  [running] { return running->aux.functions; });
  }
  plan.at_cut = [this, running, at_cut = std::move(job.at_cut)] {
    const Result<RewriteCut> cut = at_cut ? at_cut() : RewriteCut{};
    if (!cut) {
      running->refused = cut.error();
      return;
    }
    running->aux = cut->aux;
    running->aux.purpose = snapshot::RdbPurpose::kAofBase;
    if (!running->increment || running->closings != closings_) return;
    std::string head;
    if (cut->stream_db && cut->stream_db->value != 0) append_select(head, *cut->stream_db);
    writer_.continue_in(std::move(running->increment->file), head);
  };
  plan.on_done = [this, running](const Result<void>& copied) { ended(running, copied); };
  const auto snapshot = std::make_shared<SlotSnapshot>(host_, std::move(plan));
  {
    MutexLock lock(mutex_);
    snapshot_ = snapshot;
  }
  writer_.hold_syncs();
  snapshot->start(self);  // with nothing locked: the loops must be able to finish their batches
  return {};
}

void Aof::ended(const std::shared_ptr<Running>& running, const Result<void>& copied) {
  writer_.release_syncs();
  Result<void> result = copied;
  {
    MutexLock files_lock(files_mutex_);
    if (result && running->refused) result = std::unexpected(*running->refused);
    if (result && running->closings != closings_) result = fail("the append only file was closed meanwhile");
    if (result) {
      result = switch_base(*running);  // an error leaves open which manifest is on the disk
    } else {                           // what cannot be removed lies there: nobody loads it
      if (running->increment) (void)files_->remove_unnamed(running->increment->entry);
      (void)files_->remove_unnamed(running->base);
    }
  }
  rewrite_over(result);
}

Result<void> Aof::switch_base(const Running& running) {
  Manifest next;
  const Manifest& old = files_->manifest();
  next.base = running.base;
  next.history = old.history;  // the youngest first
  if (old.base) next.history.insert(next.history.begin(), *old.base);
  for (const ManifestFile& file : old.increments) {
    const bool replaced = !running.increment || file.seq < running.increment->entry.seq;
    if (replaced) next.history.insert(next.history.begin(), file);
  }
  if (running.increment) next.increments.push_back(running.increment->entry);
  ASH_TRY(const std::uint64_t base_bytes, files_->size_of(running.base.name));
  ASH_TRY_VOID(files_->replace(std::move(next)));
  if (running.increment) {
    writer_.base_complete();
    const WriterStatus writer = writer_.status();
    MutexLock lock(mutex_);
    if (mode_ == Mode::kWaitsForBase) mode_ = Mode::kOn;
    other_bytes_ = base_bytes;
    status_.base_bytes = base_bytes + writer.file_bytes;
  }
  if (history_ == AofFiles::History::kKeep) return {};
  if (auto deleted = files_->delete_history(); !deleted) {
    // The log is whole; the next start or rewrite tries again.
    log::warning("Cannot delete former append only files: {}", deleted.error().text());
  }
  return {};
}

void Aof::rewrite_over(const Result<void>& result) {
  const WallTime now = host_.clock().wall();
  MutexLock lock(mutex_);
  status_.rewriting = false;
  status_.last_rewrite_time = now - status_.rewrite_started;
  if (result) {
    status_.last_rewrite_error.reset();
    status_.failures_in_a_row = 0;
    last_failure_.reset();
    log::notice("Background AOF rewrite finished successfully");
    return;
  }
  status_.last_rewrite_error = result.error();
  ++status_.failures_in_a_row;
  last_failure_ = now;
  log::warning("Background AOF rewrite failed: {}", result.error().text());
}

std::shared_ptr<SlotSnapshot> Aof::current() const {
  MutexLock lock(mutex_);
  return snapshot_;
}

void Aof::wait(keyspace::SafePoint::Participant* self) {
  const auto snapshot = current();
  if (snapshot != nullptr) (void)snapshot->wait(self);
}

void Aof::cancel_rewrite() {
  const auto snapshot = current();
  if (snapshot != nullptr) snapshot->cancel();
}

bool Aof::rewrite_due(const RewriteSettings& settings) const {
  const AofStatus s = status();
  if (s.rewriting) return false;
  MutexLock lock(mutex_);
  if (mode_ == Mode::kOff) return false;
  if (last_failure_ && host_.clock().wall() - *last_failure_ < retry_delay(s.failures_in_a_row)) return false;
  return mode_ == Mode::kWaitsForBase || s.writer.state == WriterState::kNeedsRewrite ||
         has_outgrown(settings, s.current_bytes, s.base_bytes);
}

bool Aof::whole() const {
  MutexLock lock(mutex_);
  return mode_ == Mode::kOn;
}

AofStatus Aof::status() const {
  AofStatus s;
  std::shared_ptr<SlotSnapshot> snapshot;
  std::uint64_t other_bytes = 0;
  {
    MutexLock lock(mutex_);
    s = status_;
    s.enabled = mode_ != Mode::kOff;
    s.waits_for_base = mode_ == Mode::kWaitsForBase;
    snapshot = snapshot_;
    other_bytes = other_bytes_;
  }
  s.writer = writer_.status();
  s.current_bytes = s.enabled ? other_bytes + s.writer.file_bytes : 0;
  if (snapshot != nullptr) s.rewrite = snapshot->progress();
  return s;
}

}  // namespace ashlar::aof
