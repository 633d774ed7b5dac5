#include "base/error.h"

#include <array>
#include <cstring>

namespace ashlar {
namespace {

struct Row {
  std::string_view prefix;
  std::string_view text;
};

Row row(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kGeneric: return {"ERR", "error"};
    case ErrorCode::kSyntax: return {"ERR", "syntax error"};
    case ErrorCode::kWrongType: return {"WRONGTYPE", "Operation against a key holding the wrong kind of value"};
    case ErrorCode::kNotInteger: return {"ERR", "value is not an integer or out of range"};
    case ErrorCode::kNotFloat: return {"ERR", "value is not a valid float"};
    case ErrorCode::kOverflow: return {"ERR", "increment or decrement would overflow"};
    case ErrorCode::kOutOfRange: return {"ERR", "index out of range"};
    case ErrorCode::kNoSuchKey: return {"ERR", "no such key"};
    case ErrorCode::kNoAuth: return {"NOAUTH", "Authentication required."};
    case ErrorCode::kWrongPass: return {"WRONGPASS", "invalid username-password pair or user is disabled."};
    case ErrorCode::kNoPerm: return {"NOPERM", "no permissions"};
    case ErrorCode::kNoProto: return {"NOPROTO", "unsupported protocol version"};
    case ErrorCode::kOom: return {"OOM", "command not allowed when used memory > 'maxmemory'."};
    case ErrorCode::kReadOnly: return {"READONLY", "You can't write against a read only replica."};
    case ErrorCode::kMasterDown:
      return {"MASTERDOWN", "Link with MASTER is down and replica-serve-stale-data is set to 'no'."};
    case ErrorCode::kNoReplicas: return {"NOREPLICAS", "Not enough good replicas to write."};
    case ErrorCode::kMisconf: return {"MISCONF", "Errors writing to the AOF file"};
    case ErrorCode::kLoading: return {"LOADING", "Redis is loading the dataset in memory"};
    case ErrorCode::kBusyKey: return {"BUSYKEY", "Target key name already exists."};
    case ErrorCode::kMoved: return {"MOVED", ""};
    case ErrorCode::kAsk: return {"ASK", ""};
    case ErrorCode::kTryAgain: return {"TRYAGAIN", "Multiple keys request during rehashing of slot"};
    case ErrorCode::kCrossSlot: return {"CROSSSLOT", "Keys in request don't hash to the same slot"};
    case ErrorCode::kClusterDown: return {"CLUSTERDOWN", "The cluster is down"};
    case ErrorCode::kExecAbort: return {"EXECABORT", "Transaction discarded because of previous errors."};
    case ErrorCode::kUnblocked:
      return {"UNBLOCKED", "force unblock from blocking operation, instance state changed (master -> replica?)"};
    case ErrorCode::kDenied: return {"DENIED", ""};
    case ErrorCode::kNoMasterLink: return {"NOMASTERLINK", "Can't SYNC while not connected with my master"};
    case ErrorCode::kInProgress: return {"INPROG", "Failover already in progress."};
    case ErrorCode::kNotBusy: return {"NOTBUSY", "No scripts in execution right now."};
    case ErrorCode::kIoErr: return {"IOERR", "error or timeout"};
    case ErrorCode::kNoKey: return {"NOKEY", ""};
    case ErrorCode::kCorrupt: return {"ERR", "Bad data format"};
    case ErrorCode::kIo: return {"ERR", "I/O error"};
    case ErrorCode::kNotFound: return {"ERR", "not found"};
    case ErrorCode::kStaleEpoch: return {"ERR", "stale epoch"};
    case ErrorCode::kProtocol: return {"ERR", "Protocol error"};
  }
  return {"ERR", "error"};
}

}  // namespace

std::string_view error_prefix(ErrorCode code) noexcept { return row(code).prefix; }
std::string_view error_default_text(ErrorCode code) noexcept { return row(code).text; }

std::string_view Error::text() const { return detail.empty() ? row(code).text : std::string_view(detail); }

std::string Error::resp_text() const {
  std::string out(row(code).prefix);
  out += ' ';
  out += text();
  for (char& c : out) {
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
  }
  return out;
}

std::unexpected<Error> fail_errno(std::string_view call, std::string_view path, int err) {
  std::array<char, 128> buffer{};
  const char* text = ::strerror_r(err, buffer.data(), buffer.size());
  std::string detail(call);
  if (!path.empty()) {
    detail += ' ';
    detail += path;
  }
  detail += ": ";
  detail += text;
  return fail(ErrorCode::kIo, std::move(detail));
}

}  // namespace ashlar
