#include "net/timer_queue.h"

#include <utility>

#include "base/check.h"

namespace ashlar::net {

TimerId TimerQueue::add(MonoTime at, Callback callback) {
  std::uint32_t index = 0;
  if (free_slots_.empty()) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[index].callback = std::move(callback);
  heap_.push_back({at, next_sequence_++, index});
  slots_[index].position = static_cast<std::uint32_t>(heap_.size() - 1);
  sift_up(heap_.size() - 1);
  return {index, slots_[index].generation};
}

bool TimerQueue::cancel(TimerId id) {
  if (!is_live(id)) return false;
  if (slots_[id.slot].position != kNotInHeap) remove_at(slots_[id.slot].position);
  const Callback dropped = release(id.slot);  // destroyed when the queue is consistent again
  return true;
}

std::optional<MonoTime> TimerQueue::next() const noexcept {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().at;
}

std::size_t TimerQueue::run_due(MonoTime now) {
  if (heap_.empty() || heap_.front().at > now) return 0;
  due_.clear();
  while (!heap_.empty() && heap_.front().at <= now) {
    const std::uint32_t slot = heap_.front().slot;
    remove_at(0);
    due_.push_back({slot, slots_[slot].generation});
  }
  std::size_t called = 0;
  for (std::size_t i = 0; i < due_.size(); ++i) {
    if (!is_live(due_[i])) continue;  // cancelled by one of those before it
    Callback callback = release(due_[i].slot);
    callback();
    ++called;
  }
  return called;
}

bool TimerQueue::is_live(TimerId id) const noexcept {
  return id.slot < slots_.size() && slots_[id.slot].generation == id.generation && slots_[id.slot].callback;
}

TimerQueue::Callback TimerQueue::release(std::uint32_t slot) {
  Callback callback = std::exchange(slots_[slot].callback, nullptr);
  ++slots_[slot].generation;
  slots_[slot].position = kNotInHeap;
  free_slots_.push_back(slot);
  return callback;
}

void TimerQueue::remove_at(std::size_t position) {
  slots_[heap_[position].slot].position = kNotInHeap;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  place(position, last);
  sift_up(position);
  sift_down(slots_[last.slot].position);
}

void TimerQueue::place(std::size_t position, const Entry& entry) {
  heap_[position] = entry;
  slots_[entry.slot].position = static_cast<std::uint32_t>(position);
}

void TimerQueue::sift_up(std::size_t position) {
  const Entry entry = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (!entry.before(heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerQueue::sift_down(std::size_t position) {
  const Entry entry = heap_[position];
  while (true) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].before(heap_[child])) ++child;
    if (!heap_[child].before(entry)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, entry);
}

void TimerQueue::check_invariants() const {
  for (std::size_t i = 0; i < heap_.size(); ++i) {
    ASH_CHECK(i == 0 || !heap_[i].before(heap_[(i - 1) / 2]));
    ASH_CHECK(slots_[heap_[i].slot].position == i);
  }
  ASH_CHECK(heap_.size() + free_slots_.size() == slots_.size());
}

}  // namespace ashlar::net
