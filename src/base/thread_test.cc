// Threads that the system does not give.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/sync.h"

namespace ashlar {
namespace {

/// In a process of its own, which may make no thread from here on.
[[noreturn]] void ask_for_a_thread() {
  const rlimit none{0, 0};
  // Limits on processes are not for root.
  if (::setrlimit(RLIMIT_NPROC, &none) != 0 || (::getuid() == 0 && ::setuid(65534) != 0)) ::_exit(2);
  const auto thread = Thread::start("none", [] {});
  ::_exit(!thread && thread.error().code == ErrorCode::kIo ? 0 : 1);
}

TEST(ThreadDeathTest, AThreadThatTheSystemDoesNotGiveIsAnError) {
  EXPECT_EXIT(ask_for_a_thread(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ashlar
