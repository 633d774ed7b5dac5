#include "replication/transfer_sink.h"

#include <fmt/format.h>

namespace ashlar::replication {

TransferSink::~TransferSink() {
  if (!file_) return;
  file_.reset();
  (void)plan_.files->remove(plan_.path);  // a leftover file harms nobody
}

Result<void> TransferSink::begin(const std::vector<snapshot::DbSizeHint>& sizes) {
  const Cut& cut = *plan_.cut;
  if (plan_.dialect == SyncRequest::Dialect::kPsync) {
    ASH_TRY_VOID(plan_.socket->send(fmt::format("+FULLRESYNC {} {}\r\n", cut.history.hex(), cut.offset)));
  }
  if (plan_.route == Route::kSocket) {
    ASH_TRY_VOID(plan_.socket->send(fmt::format("$EOF:{}\r\n", plan_.mark)));
    out_ = std::make_unique<SocketSink>(*plan_.socket);
  } else {
    ASH_TRY(file_, plan_.files->open(plan_.path, OpenMode::kTruncate));
    out_ = std::make_unique<snapshot::FileSink>(*file_, snapshot::SyncMode::kAtEnd);
  }
  last_sign_ = plan_.clock->mono();
  writer_ = std::make_unique<snapshot::RdbWriter>(*out_, plan_.checksum);
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
    return plan_.socket->send("\n");  // the replica takes a line end for a sign of life
  }
  return {};
}

Result<void> TransferSink::finish() {
  ASH_TRY_VOID(writer_->end());
  return plan_.route == Route::kSocket ? plan_.socket->send(plan_.mark) : send_file();
}

Result<void> TransferSink::send_file() {
  constexpr std::size_t kPiece = 256 * 1024;
  ASH_TRY(const std::uint64_t size, file_->size());
  ASH_TRY(const auto reader, plan_.files->open(plan_.path, OpenMode::kRead));
  ASH_TRY_VOID(plan_.socket->send(fmt::format("${}\r\n", size)));
  for (std::uint64_t at = 0; at < size;) {
    ASH_TRY(const std::string piece, reader->read_at(at, kPiece));
    if (piece.empty()) return fail(ErrorCode::kIo, "the temporary snapshot ended early");
    ASH_TRY_VOID(plan_.socket->send(piece));
    at += piece.size();
  }
  return {};
}

}  // namespace ashlar::replication
