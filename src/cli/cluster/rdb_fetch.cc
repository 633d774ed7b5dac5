#include "cli/cluster/rdb_fetch.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::cli::cluster {
namespace {

/// What follows the announcement "$<length>\r\n". Line ends alone, before it, only keep the connection alive.
struct Announced {
  std::uint64_t length = 0;
  std::string rest;
};

Result<Announced> read_announcement(Connection& connection) {
  constexpr std::size_t kLongest = 1024;
  std::string seen;
  while (true) {
    seen.erase(0, std::min(seen.find_first_not_of("\r\n"), seen.size()));
    const std::size_t end = seen.find('\n');
    if (end == std::string::npos) {
      if (seen.size() > kLongest) return fail(ErrorCode::kProtocol, "SYNC is not answered with an RDB file");
      ASH_TRY(const std::string more, connection.receive_raw());
      seen += more;
      continue;
    }
    std::string_view line = std::string_view(seen).substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('-')) return fail(fmt::format("SYNC failed: {}", line.substr(1)));
    const auto length = line.starts_with('$') ? parse_u64(line.substr(1)) : std::nullopt;
    if (!length) return fail(ErrorCode::kProtocol, "SYNC is not answered with an RDB file");
    return Announced{*length, seen.substr(end + 1)};
  }
}

Result<std::uint64_t> copy_to(Connection& connection, File& file) {
  ASH_TRY(const Announced start, read_announcement(connection));
  std::uint64_t left = start.length;
  std::string chunk = start.rest;
  while (true) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk.size()));
    ASH_TRY_VOID(file.append(std::string_view(chunk).substr(0, take)));
    left -= take;
    if (left == 0) break;
    ASH_TRY(chunk, connection.receive_raw());
  }
  ASH_TRY_VOID(file.sync());
  return start.length;
}

}  // namespace

Result<std::uint64_t> fetch_rdb(const ConnectOptions& node, FileSystem& fs, const std::string& path) {
  ASH_TRY(Connection connection, Connection::open(node));
  ASH_TRY_VOID(connection.send_raw("*1\r\n$4\r\nSYNC\r\n"));
  ASH_TRY(const std::unique_ptr<File> file, fs.open(path, OpenMode::kTruncate));
  auto copied = copy_to(connection, *file);
  if (!copied) static_cast<void>(fs.remove(path));
  return copied;
}

}  // namespace ashlar::cli::cluster
