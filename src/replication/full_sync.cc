#include "replication/full_sync.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/log.h"
#include "replication/handshake.h"

namespace ashlar::replication {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

/// Removes a file at the end of a scope.
class Temporary {
 public:
  Temporary(FileSystem& files, const std::string& path) : files_(files), path_(path) {}
  ~Temporary() { (void)files_.remove(path_); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

 private:
  FileSystem& files_;
  const std::string& path_;
};

/// The libraries of a snapshot until all of it is here.
class HeldFunctions final : public keyspace::FunctionStore {
 public:
  [[nodiscard]] std::vector<std::string> codes() const override { return codes_; }
  [[nodiscard]] Result<void> load(std::string_view code) override {
    codes_.emplace_back(code);
    return {};
  }
  void clear() override { codes_.clear(); }

  /// Replaces what is in `store`, which is null where there are no functions. Errors: one does not load; then the
  /// former ones are there.
  [[nodiscard]] Result<void> move_to(keyspace::FunctionStore* store) {
    if (store == nullptr) return {};
    const std::vector<std::string> former = store->codes();
    Result<void> done = replace(*store, codes_);
    if (!done) (void)replace(*store, former);  // they were there before: they load
    return done;
  }

 private:
  static Result<void> replace(keyspace::FunctionStore& store, const std::vector<std::string>& codes) {
    store.clear();
    for (const std::string& code : codes) ASH_TRY_VOID(store.load(code));
    return {};
  }
  std::vector<std::string> codes_;
};

/// Says of an error that it came in the midst of a snapshot that was being loaded from the socket.
Result<snapshot::LoadReport> broken_off(Result<snapshot::LoadReport> report) {
  if (!report) report.error().detail = "Internal error in RDB: " + report.error().detail;
  return report;
}

}  // namespace

/// The bytes behind the header: all there are with a mark, `left` of them with a length.
class FullSync::Source final : public snapshot::ByteSource {
 public:
  Source(FullSync& sync, const Framing& framing) : sync_(sync) {
    if (const auto* length = std::get_if<ByLength>(&framing)) {
      left_ = length->bytes;
    } else {
      mark_ = std::get<ByMark>(framing).mark;
    }
  }
  [[nodiscard]] const std::string& mark() const noexcept { return mark_; }

  [[nodiscard]] Result<std::size_t> read(std::span<char> room) override {
    if (mark_.empty()) {
      if (left_ == 0) return std::size_t{0};
      room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), left_)));
    }
    std::size_t n = 0;
    if (std::string& unread = sync_.unread_; !unread.empty()) {
      n = std::min(room.size(), unread.size());
      std::memcpy(room.data(), unread.data(), n);
      unread.erase(0, n);
    } else {
      ASH_TRY(n, sync_.plan_.socket->receive(room));
      if (n == 0) return fail(ErrorCode::kIo, "connection lost");
    }
    if (mark_.empty()) left_ -= n;
    sync_.progress_.received.fetch_add(n, std::memory_order_relaxed);
    return n;
  }

 private:
  FullSync& sync_;
  std::uint64_t left_ = 0;
  std::string mark_;
};

FullSync::FullSync(Plan plan) : plan_(std::move(plan)), unread_(std::move(plan_.unread)) {
  if (auto thread = Thread::start("repl-sync", [this] { end(transfer()); })) {
    thread_ = std::move(*thread);
  } else {
    end(std::unexpected(thread.error()));
  }
}

FullSync::~FullSync() {
  plan_.socket->abort();
  thread_.join();
}

void FullSync::end(Result<DbIndex> stream_db) {
  Outcome outcome{std::move(stream_db), {}};
  outcome.unread = std::move(unread_);
  plan_.on_done(std::move(outcome));
}

Result<std::string> FullSync::read_header() {
  constexpr std::size_t kLongest = 1024;
  for (;;) {
    const std::size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      if (!line.empty()) return line;  // an empty one is a sign of life
      continue;
    }
    if (unread_.size() > kLongest) return fail(ErrorCode::kProtocol, "no header in front of the snapshot");
    std::array<char, 4096> room;
    ASH_TRY(const std::size_t n, plan_.socket->receive(room));
    if (n == 0) return fail(ErrorCode::kIo, "connection lost");
    unread_.append(room.data(), n);
  }
}

void FullSync::flush() {
  plan_.on_flush();
  log::notice("MASTER <-> REPLICA sync: Flushing old data");
  empty();
}

void FullSync::empty() {
  keyspace::Keyspace& keyspace = plan_.snapshots.keyspace();
  const keyspace::SafePoint::Exclusive all(keyspace.safe_point(), nullptr);
  for (std::uint32_t db = 0; db < keyspace.databases(); ++db) (void)keyspace.clear(DbIndex{db}, nullptr, plan_.freeing);
  if (keyspace.functions() != nullptr) keyspace.functions()->clear();
}

snapshot::LoadOptions FullSync::options(keyspace::SafePoint::Participant* seat) const {
  snapshot::LoadOptions options;
  options.now = plan_.snapshots.clock().wall();
  options.expired = snapshot::ExpiredKeys::kKeep;
  options.checksum = plan_.checksum;
  options.limits.string_bytes_max = snapshot::kFileStringBytesMax;
  options.seat = seat;
  const Clock& clock = plan_.snapshots.clock();
  options.progress = [socket = plan_.socket, &clock,
                      last = clock.mono()](const snapshot::LoadProgress&) mutable -> Result<void> {
    if (socket->aborted()) return fail(ErrorCode::kIo, "aborted");
    if (clock.mono() - last >= Seconds(1)) {
      last = clock.mono();
      (void)socket->send("\n");  // keeps the primary from taking us for dead; it may be gone without harm to the load
    }
    return {};
  };
  options.after_key = [socket = plan_.socket, walk = snapshot::SlowWalk(plan_.snapshots.load_delay())]() mutable {
    walk.passed(1, [&socket] { return socket->aborted(); });
  };
  return options;
}

Result<void> FullSync::spool(Source& source) {
  ASH_TRY(const auto file, plan_.files.open(plan_.path, OpenMode::kTruncate));
  std::string room(kPiece, '\0');
  std::string tail;  // last bytes, where the mark will stand
  for (;;) {
    ASH_TRY(const std::size_t n, source.read(room));
    if (n == 0) return {};
    const std::string_view piece(room.data(), n);
    ASH_TRY_VOID(file->append(piece));
    if (source.mark().empty()) continue;
    tail.append(piece.substr(piece.size() - std::min(piece.size(), kMarkBytes)));
    tail.erase(0, tail.size() - std::min(tail.size(), kMarkBytes));
    // Nothing follows the mark before we acknowledge.
    if (tail != source.mark()) continue;
    ASH_TRY(const std::uint64_t size, file->size());
    return file->truncate(size - kMarkBytes);
  }
}

/// The mark that ends the snapshot; `rest` was read behind it already.
Result<void> FullSync::take_mark(Source& source, std::string rest) {
  std::string room(kMarkBytes, '\0');
  while (rest.size() < kMarkBytes) {
    ASH_TRY(const std::size_t n, source.read(std::span<char>(room).first(kMarkBytes - rest.size())));
    rest.append(room, 0, n);
  }
  if (!rest.starts_with(source.mark())) return fail(ErrorCode::kProtocol, "the end mark of the snapshot is missing");
  unread_.insert(0, rest, kMarkBytes);
  return {};
}

Result<snapshot::LoadReport> FullSync::load_beside(Source& source) {
  keyspace::Keyspace& ours = plan_.snapshots.keyspace();
  keyspace::Keyspace fresh(ours.databases());
  fresh.limits() = ours.limits();
  fresh.access().policy.store(ours.access().policy.load());
  HeldFunctions functions;
  fresh.set_functions(&functions);
  plan_.on_beside();
  log::notice("MASTER <-> REPLICA sync: Loading DB in memory beside the present one");
  ASH_TRY(auto report, broken_off(snapshot::load_rdb(fresh, source, options(nullptr))));
  if (!source.mark().empty()) ASH_TRY_VOID(take_mark(source, std::exchange(report.leftover, {})));
  ASH_TRY_VOID(functions.move_to(ours.functions()));
  plan_.on_flush();
  log::notice("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
  {
    const keyspace::SafePoint::Exclusive all(ours.safe_point(), nullptr);
    ours.exchange(fresh);
  }
  log::notice("MASTER <-> REPLICA sync: Discarding old DB");
  return report;
}

Result<snapshot::LoadReport> FullSync::load_in_place(Source& source) {
  const Temporary cleaner(plan_.files, plan_.path);
  const bool direct = plan_.route == Route::kDirect;
  if (!direct) ASH_TRY_VOID(spool(source));
  flush();
  log::notice("MASTER <-> REPLICA sync: Loading DB in memory");
  keyspace::SafePoint::Participant& seat = plan_.snapshots.take_seat();
  keyspace::Keyspace& keyspace = plan_.snapshots.keyspace();
  auto report = direct ? broken_off(snapshot::load_rdb(keyspace, source, options(&seat)))
                       : snapshot::load_rdb_file(keyspace, plan_.files, plan_.path, options(&seat));
  plan_.snapshots.give_back(seat);
  if (report && direct && !source.mark().empty()) {
    if (auto marked = take_mark(source, std::move(report->leftover)); !marked) {
      report = std::unexpected(std::move(marked.error()));
    }
  }
  if (!report) empty();  // a part of a data set is none
  return report;
}

Result<DbIndex> FullSync::transfer() {
  ASH_TRY(const std::string line, read_header());
  ASH_TRY(const Framing framing, parse_transfer_header(line));
  Source source(*this, framing);
  if (const auto* length = std::get_if<ByLength>(&framing)) {
    progress_.total = length->bytes;
    log::notice("MASTER <-> REPLICA sync: receiving {} bytes from master", length->bytes);
  } else {
    log::notice("MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF");
  }
  const auto selected = [](const snapshot::LoadReport& report) {
    return report.replication ? report.replication->stream_db : DbIndex{0};
  };
  if (plan_.route == Route::kBeside) {
    ASH_TRY(const auto report, load_beside(source));
    return selected(report);
  }
  ASH_TRY(const auto report, load_in_place(source));
  return selected(report);
}

}  // namespace ashlar::replication
