#include "replication/transfer_sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace ashlar::replication {

TransferSink::~TransferSink() {
  if (!file_) return;
  file_.reset();
  (void)plan_.files->remove(plan_.path);  // a leftover file harms nobody
}

Result<void> TransferSink::send(std::string_view bytes) {
  std::optional<Error> last;
  std::erase_if(plan_.targets, [&](const TransferTarget& target) {
    const auto sent = target.socket->send(bytes);
    if (sent) return false;
    plan_.news->lost(target.link, sent.error());
    last = sent.error();
    return true;
  });
  if (!plan_.targets.empty()) return {};
  return std::unexpected(last ? std::move(*last) : Error{ErrorCode::kIo, "no replica is left"});
}

Result<void> TransferSink::send_greetings() {
  const std::string line = fmt::format("+FULLRESYNC {} {}\r\n", plan_.cut->history.hex(), plan_.cut->offset);
  std::vector<TransferTarget> all;
  all.swap(plan_.targets);
  for (TransferTarget& target : all) {
    if (target.dialect == SyncRequest::Dialect::kPsync) {
      if (const auto sent = target.socket->send(line); !sent) {
        plan_.news->lost(target.link, sent.error());
        continue;
      }
    }
    plan_.targets.push_back(std::move(target));
  }
  return send({});  // an error when nobody is left
}

Result<void> TransferSink::begin(const std::vector<snapshot::DbSizeHint>& sizes) {
  const Cut& cut = *plan_.cut;
  ASH_TRY_VOID(send_greetings());
  snapshot::ByteSink* out = &to_all_;
  if (plan_.route == Route::kSocket) {
    ASH_TRY_VOID(send(fmt::format("$EOF:{}\r\n", plan_.mark)));
  } else {
    ASH_TRY(file_, plan_.files->open(plan_.path, OpenMode::kTruncate));
    to_file_ = std::make_unique<snapshot::FileSink>(*file_, snapshot::SyncMode::kAtEnd);
    out = to_file_.get();
  }
  last_sign_ = plan_.clock->mono();
  writer_ = std::make_unique<snapshot::RdbWriter>(*out, plan_.checksum);
  snapshot::AuxInput aux;
  aux.redis_version = plan_.redis_version;
  aux.created = plan_.clock->wall();
  aux.replication = snapshot::ReplicationAux{cut.stream_db, cut.history, ReplOffset{cut.offset}};
  aux.functions = cut.functions;
  return writer_->begin(snapshot::standard_aux(aux), sizes);
}

Result<void> TransferSink::write(std::string_view bytes) {
  ASH_TRY_VOID(writer_->write(bytes));
  if (plan_.route == Route::kFile && plan_.clock->mono() - last_sign_ > Seconds(1)) {
    last_sign_ = plan_.clock->mono();
    return send("\n");  // a replica takes a line end for a sign of life
  }
  return {};
}

Result<void> TransferSink::finish() {
  ASH_TRY_VOID(writer_->end());
  plan_.news->note_complete();
  return plan_.route == Route::kSocket ? send(plan_.mark) : send_file();
}

Result<void> TransferSink::send_file() {
  constexpr std::size_t kPiece = 256 * 1024;
  ASH_TRY(const std::uint64_t size, file_->size());
  ASH_TRY(const auto reader, plan_.files->open(plan_.path, OpenMode::kRead));
  ASH_TRY_VOID(send(fmt::format("${}\r\n", size)));
  for (std::uint64_t at = 0; at < size;) {
    ASH_TRY(const std::string piece, reader->read_at(at, kPiece));
    if (piece.empty()) return fail(ErrorCode::kIo, "the temporary snapshot ended early");
    ASH_TRY_VOID(send(piece));
    at += piece.size();
  }
  return {};
}

}  // namespace ashlar::replication
