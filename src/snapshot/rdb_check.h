/// What `ashlar-check-rdb` says of an RDB stream: the lines of redis-check-rdb 7.0, told while reading.
///
/// The stream is read by the decoders of the loader, so what is called sane here is what a server loads. Thread: one;
/// blocks as the source does. Memory: one value. Source: output of redis-check-rdb 7.0.15, compared by experiment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/time.h"
#include "snapshot/byte_stream.h"

namespace ashlar::snapshot {

/// Takes text for standard output, line ends included.
using CheckOutput = std::function<void(std::string_view)>;

/// Reads an RDB stream and tells what it holds, with `name` as the name of the file and `now` as the time that expires
/// keys. The length of the stream, whatever follows it; nullopt when it is not sane.
[[nodiscard]] std::optional<std::uint64_t> check_rdb(ByteSource& source, std::string_view name, WallTime now,
                                                     const CheckOutput& out);

/// The program: `args` without its name. The exit status, 0 when the file is sane or only the version was asked for.
/// `errors` takes text for standard error.
[[nodiscard]] int run_check_rdb(const std::vector<std::string>& args, FileSystem& fs, WallTime now,
                                const CheckOutput& out, const CheckOutput& errors);

}  // namespace ashlar::snapshot
