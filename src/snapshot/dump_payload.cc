#include "snapshot/dump_payload.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/log.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_reader.h"

namespace ashlar::snapshot {
namespace {
constexpr std::size_t kFooterBytes = 2 + 8;
}  // namespace

void seal_payload(std::string& body, std::uint16_t version) {
  char number[2];
  store_le(number, version);
  body.append(number, sizeof number);
  char crc[8];
  store_le(crc, crc64(0, body));
  body.append(crc, sizeof crc);
}

std::string dump_value(const keyspace::Entry& entry, Compression compression) {
  Chunk chunk;
  chunk.bytes.push_back(static_cast<char>(rdb::type_of(entry)));
  rdb::append_value(chunk, entry, compression);
  std::string out;
  rdb::pack(chunk, compression, out);
  seal_payload(out, rdb::version_of_type(rdb::type_of(entry)));
  return out;
}

Result<std::string_view> unseal_payload(std::string_view payload) {
  constexpr std::string_view kWrongFooter = "DUMP payload version or checksum are wrong";
  if (payload.size() < kFooterBytes) return fail(std::string(kWrongFooter));
  const std::size_t body_size = payload.size() - kFooterBytes;
  const auto version = load_le<std::uint16_t>(payload.data() + body_size);
  const auto crc = load_le<std::uint64_t>(payload.data() + body_size + 2);
  if ((version > rdb::kMaxVersion && version != rdb::kValkeyVersion) ||
      crc != crc64(0, payload.substr(0, body_size + 2))) {
    return fail(std::string(kWrongFooter));
  }
  return payload.substr(0, body_size);
}

Result<keyspace::OwnedValue> restore_value(std::string_view payload, const RdbLimits& limits) {
  constexpr std::string_view kBadFormat = "Bad data format";
  ASH_TRY(const std::string_view body, unseal_payload(payload));
  if (body.empty()) return fail(std::string(kBadFormat));
  const auto type = static_cast<std::uint8_t>(body[0]);
  if (!rdb::reads(type)) {
    return fail(fmt::format("{}: the payload holds type {} ({}), which this build does not store", kBadFormat, type,
                            rdb::value_type_name(type)));
  }
  StringSource source(body.substr(1));
  RdbInput input(source, limits);
  const auto version = load_le<std::uint16_t>(payload.data() + body.size());
  if (version == rdb::kValkeyVersion) input.set_dialect(RdbDialect::kValkey);
  auto value = rdb::read_value(input, type, {}, 0);
  if (!value) {
    log::verbose("A payload was refused: {}", value.error().text());
    return fail(std::string(kBadFormat));
  }
  const auto ended = input.at_end();
  if (!ended || !*ended || rdb::is_empty(*value)) return fail(std::string(kBadFormat));
  return value;
}

}  // namespace ashlar::snapshot
