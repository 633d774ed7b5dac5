/// The whole data set of a node as an RDB file, taken the way a replica takes it.
///
/// Thread: one.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "cli/connection.h"

namespace ashlar::cli::cluster {

/// Connects, sends SYNC, writes what comes to `path` and makes it durable. Result: bytes written. Errors: of the
/// connection; kProtocol - no RDB comes; kIo - the file. An incomplete file is removed.
[[nodiscard]] Result<std::uint64_t> fetch_rdb(const ConnectOptions& node, FileSystem& fs, const std::string& path);

}  // namespace ashlar::cli::cluster
