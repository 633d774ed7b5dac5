#include <sys/epoll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "base/check.h"
#include "base/fd.h"
#include "base/scheduling.h"
#include "net/poller.h"

namespace ashlar::net {
namespace {

/// Events taken at once: bounds a turn, so that timers and posted work are not starved by ten thousand sockets.
constexpr std::size_t kEventsPerWait = 256;

std::uint32_t epoll_mask(Interest interest, Trigger trigger) {
  // Only an edge needs the end told apart: by level, reading goes on until it is met.
  const std::uint32_t how = trigger == Trigger::kEdge ? EPOLLET | EPOLLRDHUP : 0;
  switch (interest) {
    case Interest::kNone: return trigger == Trigger::kEdge ? std::uint32_t{EPOLLET} : 0;
    case Interest::kRead: return how | EPOLLIN;
    case Interest::kWrite: return how | EPOLLOUT;
    case Interest::kReadWrite: return how | EPOLLIN | EPOLLOUT;
  }
  return 0;
}

class EpollPoller final : public Poller {
 public:
  explicit EpollPoller(Fd epoll) : epoll_(std::move(epoll)) {}

  Result<void> add(int fd, Interest interest, Trigger trigger, Token token) override {
    epoll_event event = make_event(interest, trigger, token);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl", "add", errno);
    return {};
  }
  void modify(int fd, Interest interest, Trigger trigger, Token token) noexcept override {
    epoll_event event = make_event(interest, trigger, token);
    ASH_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
  }
  void remove(int fd) noexcept override { ASH_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0); }

  std::span<const Ready> wait(std::optional<Micros> timeout) noexcept override {
    const int n = wait_events(timeout);
    if (n < 0) {
      ASH_CHECK(errno == EINTR);
      return {};
    }
    const auto count = static_cast<std::size_t>(n);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t mask = events_[i].events;
      const bool failed = (mask & (EPOLLERR | EPOLLHUP)) != 0;
      const bool ended = failed || (mask & EPOLLRDHUP) != 0;
      ready_[i] = {events_[i].data.u64,
                   {ended || (mask & EPOLLIN) != 0, failed || (mask & EPOLLOUT) != 0, failed, ended}};
    }
    return {ready_.data(), count};
  }

  void rest(Micros time) noexcept override {
    // The system adds 50 us to a sleep unless told otherwise: as much as is to be slept.
    if (!fine_sleep_) fine_sleep_ = ::prctl(PR_SET_TIMERSLACK, 1'000UL) == 0;
    stand_still(time);
  }

 private:
  static epoll_event make_event(Interest interest, Trigger trigger, Token token) noexcept {
    epoll_event event{};
    event.events = epoll_mask(interest, trigger);
    event.data.u64 = token;
    return event;
  }

  int wait_events(std::optional<Micros> timeout) noexcept {
    constexpr int kMax = kEventsPerWait;
    if (!timeout) return ::epoll_wait(epoll_.get(), events_.data(), kMax, -1);
    const std::int64_t micros = std::max<std::int64_t>(timeout->count(), 0);
    if (micros == 0) return ::epoll_wait(epoll_.get(), events_.data(), kMax, 0);
    if (fine_timeouts_) {
      const timespec spec{micros / 1'000'000, micros % 1'000'000 * 1'000};
      const int n = ::epoll_pwait2(epoll_.get(), events_.data(), kMax, &spec, nullptr);
      if (n >= 0 || errno != ENOSYS) return n;
      fine_timeouts_ = false;  // a kernel before 5.11, or a sandbox: milliseconds, rounded up
    }
    const std::int64_t millis = std::min<std::int64_t>(micros / 1'000 + (micros % 1'000 != 0 ? 1 : 0), INT_MAX);
    return ::epoll_wait(epoll_.get(), events_.data(), kMax, static_cast<int>(millis));
  }

  Fd epoll_;
  bool fine_timeouts_ = true;
  bool fine_sleep_ = false;
  std::array<epoll_event, kEventsPerWait> events_;
  std::array<Ready, kEventsPerWait> ready_;
};

}  // namespace

Result<std::unique_ptr<Poller>> make_epoll_poller() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("epoll_create1", "", errno);
  return std::make_unique<EpollPoller>(std::move(epoll));
}

}  // namespace ashlar::net
