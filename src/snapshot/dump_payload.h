/// The serialised value of DUMP, RESTORE and MIGRATE: type code, value, RDB version, CRC64.
/// Thread: any. Source: docs/formats/rdb.md, "DUMP payload".
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "keyspace/entry.h"
#include "snapshot/rdb_encode.h"
#include "snapshot/rdb_format.h"
#include "snapshot/rdb_input.h"

namespace ashlar::snapshot {

/// The payload of `entry`'s value, without key and expiry.
[[nodiscard]] std::string dump_value(const keyspace::Entry& entry, Compression compression = Compression::kLzf);

/// The value in a payload. Errors, both for the client: "DUMP payload version or checksum are wrong", and "Bad data
/// format" with a hint when the type is one that this build does not store.
[[nodiscard]] Result<keyspace::OwnedValue> restore_value(std::string_view payload, const RdbLimits& limits = {});

/// What stands before version and checksum. Errors: "DUMP payload version or checksum are wrong".
[[nodiscard]] Result<std::string_view> unseal_payload(std::string_view payload);

/// Writes version and checksum behind `body` (type code and value). `version`: the lowest that has what is in it.
void seal_payload(std::string& body, std::uint16_t version = rdb::kWriteVersionMin);

}  // namespace ashlar::snapshot
