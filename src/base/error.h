/// The one error type of the program and the one table of its codes.
///
/// Expected outcomes (a missing key) are `std::optional` or an enum in the value; operational failures are `Result`;
/// programmer errors are `ASH_CHECK` (base/check.h). Thread: any. Cost: one string move.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ashlar {

/// Every kind of failure. The RESP prefix and the default text of each stand in error.cc, nowhere else.
enum class ErrorCode : std::uint8_t {
  kGeneric,       // -ERR <detail>
  kSyntax,        // -ERR syntax error
  kWrongType,     // -WRONGTYPE Operation against a key holding the wrong kind of value
  kNotInteger,    // -ERR value is not an integer or out of range
  kNotFloat,      // -ERR value is not a valid float
  kOverflow,      // -ERR increment or decrement would overflow
  kOutOfRange,    // -ERR index out of range
  kNoSuchKey,     // -ERR no such key
  kNoAuth,        // -NOAUTH Authentication required.
  kWrongPass,     // -WRONGPASS invalid username-password pair or user is disabled.
  kNoPerm,        // -NOPERM ...
  kNoProto,       // -NOPROTO unsupported protocol version
  kOom,           // -OOM command not allowed when used memory > 'maxmemory'.
  kReadOnly,      // -READONLY You can't write against a read only replica.
  kMasterDown,    // -MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.
  kNoReplicas,    // -NOREPLICAS Not enough good replicas to write.
  kMisconf,       // -MISCONF ...
  kLoading,       // -LOADING Redis is loading the dataset in memory
  kBusyKey,       // -BUSYKEY Target key name already exists.
  kMoved,         // -MOVED slot host:port
  kAsk,           // -ASK slot host:port
  kTryAgain,      // -TRYAGAIN Multiple keys request during rehashing of slot
  kCrossSlot,     // -CROSSSLOT Keys in request don't hash to the same slot
  kClusterDown,   // -CLUSTERDOWN ...
  kExecAbort,     // -EXECABORT Transaction discarded because of previous errors.
  kUnblocked,     // -UNBLOCKED ...
  kDenied,        // -DENIED ...
  kNoMasterLink,  // -NOMASTERLINK Can't SYNC while not connected with my master
  kInProgress,    // -INPROG ...
  kNotBusy,       // -NOTBUSY ...
  kIoErr,         // -IOERR ... (MIGRATE)
  kNoKey,         // +NOKEY is no error; here for symmetry of MIGRATE's target errors
  kCorrupt,       // bad bytes in a file, payload or frame; detail names the offset
  kIo,            // an operating-system call failed; detail names call, path and errno text
  kNotFound,      // a named thing does not exist
  kStaleEpoch,    // a claim older than what is known
  kProtocol,      // bytes that are no RESP
};

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::kGeneric;
  std::string detail;  // without prefix; empty means the default text of `code`

  /// "PREFIX text" without the leading '-' and without line ends: what a RESP error line carries.
  [[nodiscard]] std::string resp_text() const;
  /// The text alone, the detail or the default.
  [[nodiscard]] std::string_view text() const;
};

/// RESP prefix of a code ("ERR", "WRONGTYPE", ...). Never empty.
[[nodiscard]] std::string_view error_prefix(ErrorCode code) noexcept;
/// Default text of a code. May be empty for codes that always carry a detail.
[[nodiscard]] std::string_view error_default_text(ErrorCode code) noexcept;

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorCode::kSyntax);` or with a detail, in a function that returns any Result<T>.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string detail = {}) {
  return std::unexpected<Error>(Error{code, std::move(detail)});
}
/// A plain "-ERR detail".
[[nodiscard]] inline std::unexpected<Error> fail(std::string detail) {
  return std::unexpected<Error>(Error{ErrorCode::kGeneric, std::move(detail)});
}
/// kIo with "call path: strerror(err)".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view call, std::string_view path, int err);

}  // namespace ashlar

#define ASH_CONCAT_INNER(a, b) a##b
#define ASH_CONCAT(a, b) ASH_CONCAT_INNER(a, b)
/// ASH_TRY(auto x, expr): x from the Result that `expr` yields, or return its error.
#define ASH_TRY(declaration, ...)                                              \
  auto ASH_CONCAT(ash_try_, __LINE__) = (__VA_ARGS__);                         \
  if (!ASH_CONCAT(ash_try_, __LINE__)) [[unlikely]]                            \
    return std::unexpected(std::move(ASH_CONCAT(ash_try_, __LINE__).error())); \
  declaration = std::move(*ASH_CONCAT(ash_try_, __LINE__))
/// The same for Result<void>.
#define ASH_TRY_VOID(...)                                      \
  do {                                                         \
    auto ash_try_void = (__VA_ARGS__);                         \
    if (!ash_try_void) [[unlikely]]                            \
      return std::unexpected(std::move(ash_try_void.error())); \
  } while (false)
