/// Always-on assertions for programmer errors. A failed check reports place and text to stderr and the log, then
/// aborts. Thread: any.
#pragma once

namespace ashlar {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}

#define ASH_CHECK(condition)                                  \
  do {                                                        \
    if (!(condition)) [[unlikely]]                            \
      ::ashlar::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)

/// For the measured hot path only: checked in builds without NDEBUG.
#ifdef NDEBUG
#define ASH_DCHECK(condition) \
  do {                        \
  } while (false)
#else
#define ASH_DCHECK(condition) ASH_CHECK(condition)
#endif
