#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace ashlar::net {
namespace {

/// The wake-up descriptor's token; no watch can have it, since slot numbers stay far below.
constexpr Poller::Token kWakeToken = ~Poller::Token{0};

std::unique_ptr<Poller> epoll_or_abort() {
  auto poller = make_epoll_poller();
  ASH_CHECK(poller.has_value());
  return std::move(*poller);
}

}  // namespace

Watch::Watch(Watch&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), slot_(other.slot_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void Watch::set_interest(Interest interest) noexcept {
  ASH_CHECK(loop_ != nullptr);
  loop_->change_interest(slot_, interest);
}

Interest Watch::interest() const noexcept {
  return loop_ == nullptr ? Interest::kNone : loop_->watches_[slot_].interest;
}

void Watch::ask_again() noexcept {
  ASH_CHECK(loop_ != nullptr);
  loop_->ask_again(slot_);
}

void Watch::reset() noexcept {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->unwatch(slot_);
}

EventLoop::EventLoop(const Clock& clock, LoopOptions options) : EventLoop(clock, epoll_or_abort(), options) {}

EventLoop::EventLoop(const Clock& clock, std::unique_ptr<Poller> poller, LoopOptions options)
    : clock_(clock),
      poller_(std::move(poller)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      mailbox_([this] { wake(); }),
      now_(clock.mono()),
      wall_now_(clock.wall()),
      gathering_(options.gather) {
  ASH_CHECK(wake_fd_);
  ASH_CHECK(poller_->add(wake_fd_.get(), Interest::kRead, Trigger::kLevel, kWakeToken).has_value());
}

EventLoop::~EventLoop() {
  ASH_CHECK(owner_.load(std::memory_order_relaxed) == pthread_t{});  // not while a thread is in run()
  ASH_CHECK(free_watches_.size() == watches_.size());                // a Watch would be left without its loop
}

void EventLoop::run() {
  ASH_CHECK(owner_.exchange(::pthread_self(), std::memory_order_acq_rel) == pthread_t{});
  while (!stop_requested_.load(std::memory_order_acquire)) run_turn(std::nullopt);
  stop_requested_.store(false, std::memory_order_relaxed);
  owner_.store(pthread_t{}, std::memory_order_release);
}

void EventLoop::stop() noexcept {
  stop_requested_.store(true, std::memory_order_release);
  wake();
}

void EventLoop::post(Callback callback) {
  const pthread_t owner = owner_.load(std::memory_order_relaxed);
  if (owner != pthread_t{} && ::pthread_equal(owner, ::pthread_self()) != 0) {
    own_posts_.push_back(std::move(callback));
  } else {
    mailbox_.send(std::move(callback));
  }
}

TimerId EventLoop::call_at(MonoTime at, Callback callback) {
  ASH_CHECK(on_loop_thread());
  return timers_.add(at, std::move(callback));
}

bool EventLoop::cancel(TimerId id) {
  ASH_CHECK(on_loop_thread());
  return timers_.cancel(id);
}

void EventLoop::on_turn_end(Callback callback) {
  ASH_CHECK(on_loop_thread());
  turn_end_.push_back(std::move(callback));
}

Result<Watch> EventLoop::watch(int fd, Interest interest, IoHandler& handler, Trigger trigger) {
  ASH_CHECK(on_loop_thread());
  const bool reuses = !free_watches_.empty();
  const auto slot = reuses ? free_watches_.back() : static_cast<std::uint32_t>(watches_.size());
  const std::uint32_t generation = reuses ? watches_[slot].generation + 1 : 0;
  ASH_TRY_VOID(poller_->add(fd, interest, trigger, token_of(slot, generation)));
  if (reuses) {
    free_watches_.pop_back();
  } else {
    watches_.emplace_back();
    free_watches_.reserve(watches_.size());  // so that unwatch() never allocates
  }
  watches_[slot] = {&handler, fd, generation, interest, trigger, 0};
  return Watch(*this, slot);
}

void EventLoop::unwatch(std::uint32_t slot) noexcept {
  ASH_CHECK(on_loop_thread());
  poller_->remove(watches_[slot].fd);
  watches_[slot].handler = nullptr;
  free_watches_.push_back(slot);
}

void EventLoop::change_interest(std::uint32_t slot, Interest interest) noexcept {
  ASH_CHECK(on_loop_thread());
  WatchSlot& watch = watches_[slot];
  if (watch.interest == interest) return;
  watch.interest = interest;
  ask_again(slot);
}

void EventLoop::ask_again(std::uint32_t slot) noexcept {
  ASH_CHECK(on_loop_thread());
  const WatchSlot& watch = watches_[slot];
  poller_->modify(watch.fd, watch.interest, watch.trigger, token_of(slot, watch.generation));
}

void EventLoop::run_turn(std::optional<Micros> at_most) {
  const auto ready = wait(at_most);
  now_ = clock_.mono();
  wall_now_ = clock_.wall();
  ++stats_.turns;
  served_ = ready.size();
  if (!ready.empty()) ++stats_.wakeups;
  for (const Poller::Ready& one : ready) dispatch(one);
  run_posts();
  stats_.timers += timers_.run_due(now_);
  // By index: a turn-end function may register another one.
  for (std::size_t i = 0; i < turn_end_.size(); ++i) turn_end_[i]();
}

void EventLoop::poll_io(Micros at_most) {
  ASH_CHECK(on_loop_thread());
  for (const Poller::Ready& one : poller_->wait(at_most)) dispatch(one);
}

std::span<const Poller::Ready> EventLoop::wait(std::optional<Micros> at_most) {
  const MonoTime started = clock_.mono();
  if (stats_.turns > 0) stats_.busy += started - now_;
  std::optional<Micros> timeout = at_most;
  if (const auto next = timers_.next()) {
    const Micros until = std::max(*next - started, Micros(0));
    timeout = timeout ? std::min(*timeout, until) : until;
  }
  if (!own_posts_.empty() || stop_requested_.load(std::memory_order_relaxed)) timeout = Micros(0);
  const Micros rest = gathering_.before_wait(started, served_);
  if (rest > Micros(0) && (!timeout || *timeout > rest)) {
    ++stats_.rests;
    poller_->rest(rest);
    if (timeout) *timeout -= rest;
  }
  return poller_->wait(timeout);
}

void EventLoop::dispatch(const Poller::Ready& ready) noexcept {
  if (ready.token == kWakeToken) {
    std::uint64_t count = 0;
    // Reset before the mailbox is emptied: a message that comes in between wakes once too often, never too seldom.
    while (::read(wake_fd_.get(), &count, sizeof count) < 0 && errno == EINTR) {
    }
    woken_ = true;
    return;
  }
  const auto slot = static_cast<std::uint32_t>(ready.token);
  const auto generation = static_cast<std::uint32_t>(ready.token >> 32);
  WatchSlot& watch = watches_[slot];
  if (watch.handler == nullptr || watch.generation != generation) return;  // gone since the events were fetched
  ++stats_.io_events;
  gathering_.saw(watch.gathered);
  watch.handler->on_ready(ready.readiness);
}

void EventLoop::run_posts() {
  if (!woken_ && own_posts_.empty()) return;
  // Both are taken before any is called: what they post themselves waits for the next turn.
  std::vector<Callback> own = std::exchange(own_posts_, {});
  std::vector<Callback> foreign;
  if (std::exchange(woken_, false)) foreign = mailbox_.drain();
  stats_.posts += own.size() + foreign.size();
  for (Callback& post : foreign) post();
  for (Callback& post : own) post();
}

void EventLoop::wake() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake_fd_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

}  // namespace ashlar::net
