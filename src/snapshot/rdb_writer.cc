#include "snapshot/rdb_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "snapshot/rdb_format.h"

namespace ashlar::snapshot {

std::vector<AuxField> standard_aux(const AuxInput& input) {
  std::vector<AuxField> aux = {
      {"redis-ver", input.redis_version},
      {"redis-bits", std::to_string(sizeof(void*) * 8)},
      {"ctime", std::to_string(unix_seconds(input.created))},
      {"used-mem", std::to_string(input.used_memory)},
  };
  if (input.replication) {
    aux.push_back({"repl-stream-db", std::to_string(input.replication->stream_db.value)});
    aux.push_back({"repl-id", input.replication->history.hex()});
    aux.push_back({"repl-offset", std::to_string(input.replication->offset.value)});
  }
  aux.push_back({"aof-base", input.purpose == RdbPurpose::kAofBase ? "1" : "0"});
  for (const std::string& code : input.functions) aux.push_back({{}, code});
  return aux;
}

namespace {

std::uint16_t version_of(const std::vector<AuxField>& aux, const std::vector<DbSizeHint>& sizes) {
  std::uint16_t version = rdb::kWriteVersionMin;
  for (const DbSizeHint& size : sizes) version = std::max(version, size.version);
  const bool functions = std::any_of(aux.begin(), aux.end(), [](const AuxField& field) { return field.name.empty(); });
  return functions ? std::max(version, rdb::kFunctionsVersion) : version;
}

}  // namespace

Result<void> RdbWriter::begin(const std::vector<AuxField>& aux, const std::vector<DbSizeHint>& sizes) {
  std::string out = fmt::format("REDIS{:04}", version_of(aux, sizes));
  for (const AuxField& field : aux) {
    if (field.name.empty()) {
      out.push_back(static_cast<char>(rdb::kOpFunction2));
      rdb::append_string(out, field.value, Compression::kNone);
      continue;
    }
    out.push_back(static_cast<char>(rdb::kOpAux));
    rdb::append_string(out, field.name, Compression::kNone);
    rdb::append_string(out, field.value, Compression::kNone);
  }
  for (const DbSizeHint& size : sizes) {
    if (size.keys == 0) continue;
    rdb::append_select_db(out, size.db.value);
    out.push_back(static_cast<char>(rdb::kOpResizeDb));
    rdb::append_length(out, size.keys);
    rdb::append_length(out, size.expires);
  }
  return write(out);
}

Result<void> RdbWriter::write(std::string_view records) {
  if (checksum_ == Checksum::kCrc64) crc_ = crc64(crc_, records);
  written_ += records.size();
  return sink_.write(records);
}

Result<void> RdbWriter::end() {
  ASH_TRY_VOID(write(std::string(1, static_cast<char>(rdb::kOpEof))));
  char trailer[8];
  store_le(trailer, crc_);
  written_ += sizeof trailer;
  return sink_.write({trailer, sizeof trailer});
}

}  // namespace ashlar::snapshot
