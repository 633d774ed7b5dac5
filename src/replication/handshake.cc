#include "replication/handshake.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"

namespace ashlar::replication {
namespace {

constexpr std::string_view kFullResync = "+FULLRESYNC ";
constexpr std::string_view kContinue = "+CONTINUE";
constexpr std::string_view kMarkHeader = "$EOF:";

std::unexpected<Error> odd(std::string_view what, std::string_view line) {
  return fail(ErrorCode::kProtocol, fmt::format("{}: {}", what, quoted(line.substr(0, 128))));
}

}  // namespace

Result<PsyncAnswer> parse_psync_answer(std::string_view line) {
  if (line.starts_with(kFullResync)) {
    const std::string_view rest = line.substr(kFullResync.size());
    const std::size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return odd("Bad FULLRESYNC answer", line);
    const auto id = NodeId::from_hex(rest.substr(0, blank));
    const auto offset = parse_i64(rest.substr(blank + 1));
    if (!id || !offset || *offset < 0) return odd("Bad FULLRESYNC answer", line);
    return FullResync{*id, *offset};
  }
  if (line == kContinue) return Continue{};
  if (line.starts_with(kContinue) && line[kContinue.size()] == ' ') {
    const auto id = NodeId::from_hex(line.substr(kContinue.size() + 1));
    if (!id) return odd("Bad CONTINUE answer", line);
    return Continue{*id};
  }
  if (line.starts_with("-")) return TryLater{std::string(line.substr(1, 256))};
  return odd("Unexpected answer to PSYNC", line);
}

Result<Framing> parse_transfer_header(std::string_view line) {
  if (line.starts_with(kMarkHeader)) {
    const std::string_view mark = line.substr(kMarkHeader.size());
    if (mark.size() != kMarkBytes) return odd("Bad end mark", line);
    return ByMark{std::string(mark)};
  }
  if (line.starts_with("$")) {
    if (const auto bytes = parse_u64(line.substr(1))) return ByLength{*bytes};
  }
  if (line.starts_with("-")) return odd("MASTER aborted replication with an error", line.substr(1));
  return odd("Bad protocol from MASTER, the first byte is not '$'", line);
}

Result<SyncRequest> parse_psync_request(std::string_view history, std::string_view offset) {
  const auto wanted = parse_i64(offset);
  if (!wanted) return fail(ErrorCode::kNotInteger);
  SyncRequest request;
  request.history = NodeId::from_hex(history);
  // The wire names the first byte wanted and counts from 1.
  if (*wanted < 1) {
    request.history.reset();
  } else {
    request.position = *wanted - 1;
  }
  return request;
}

namespace {

/// Words of rdb-filter-only: what is to be in the snapshot; none of them leaves nothing.
Result<void> take_filter(ReplicaTraits& traits, std::string_view words) {
  auto content = ReplicaTraits::Content::kNothing;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (word.empty()) continue;
    if (!iequals(word, "functions")) {  // tidy: allow(command-name): a part of a snapshot
      return fail(fmt::format("Unsupported rdb-filter-only option: {}", word.substr(0, 128)));
    }
    content = ReplicaTraits::Content::kFunctions;
  }
  traits.content = content;
  return {};
}

}  // namespace

Result<void> take_replconf(ReplicaTraits& traits, std::string_view option, std::string_view value) {
  if (iequals(option, "listening-port")) {
    const auto port = parse_u64(value);
    if (!port || *port > 65535) return fail(ErrorCode::kNotInteger);
    traits.port = static_cast<std::uint16_t>(*port);
  } else if (iequals(option, "ip-address")) {
    constexpr std::size_t kLongest = 255;
    if (value.size() > kLongest) {
      return fail(fmt::format("REPLCONF ip-address provided by replica instance is too long: {} bytes", value.size()));
    }
    for (const char c : value) {
      if (c <= ' ' || c > '~' || c == ',' || c == '=') return fail(ErrorCode::kSyntax);
    }
    traits.address = value;
  } else if (iequals(option, "capa")) {
    traits.knows_mark |= iequals(value, "eof");
    traits.knows_psync2 |= iequals(value, "psync2");
  } else if (iequals(option, "rdb-only")) {
    traits.wants_rdb_only = value != "0";
  } else if (iequals(option, "rdb-filter-only")) {
    return take_filter(traits, value);
  } else if (!iequals(option, "version")) {
    return fail(fmt::format("Unrecognized REPLCONF option: {}", option.substr(0, 128)));
  }
  return {};
}

}  // namespace ashlar::replication
