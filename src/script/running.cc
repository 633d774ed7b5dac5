#include "script/running.h"

#include <algorithm>

namespace ashlar::script {

void RunningScripts::add(std::shared_ptr<RunningScript> script) {
  MutexLock lock(mutex_);
  running_.push_back(std::move(script));
}

RunningScripts::Left RunningScripts::remove(const RunningScript& script) {
  const bool last = script.overdue.load() && overdue_.fetch_sub(1) == 1;
  MutexLock lock(mutex_);
  std::erase_if(running_, [&](const auto& other) { return other.get() == &script; });
  return last ? Left::kNoOverdue : Left::kOthers;
}

std::shared_ptr<RunningScript> RunningScripts::oldest() const {
  MutexLock lock(mutex_);
  return running_.empty() ? nullptr : running_.front();
}

void RunningScripts::abandon_all() {
  MutexLock lock(mutex_);
  for (const auto& script : running_) {
    script->abandoned = true;
    script->killed = true;
  }
}

std::string_view RunningScripts::busy_text() const {
  const auto running = oldest();
  return running != nullptr && running->kind == Kind::kFunction
             ? "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
             : "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
}

void RunningScripts::mark_overdue(RunningScript& script) noexcept {
  if (!script.overdue.exchange(true)) overdue_.fetch_add(1);
}

}  // namespace ashlar::script
