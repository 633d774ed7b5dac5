#include "server/shutdown.h"

#include "base/log.h"

namespace ashlar::server {

namespace {
constexpr Millis kLookPeriod{50};
}

void Shutdown::request(ShutdownRequest request) {
  control_.post([this, request = std::move(request)]() mutable { carry_out(std::move(request)); });
}

void Shutdown::carry_out(ShutdownRequest request) {
  log::warning("User requested shutdown...");
  if (waiting_) {  // a second request only changes how the first goes on
    request.now = true;
    end_wait();
  }
  const std::size_t lagging = parts_.lagging_replicas ? parts_.lagging_replicas() : 0;
  const Seconds timeout = parts_.timeout ? parts_.timeout() : Seconds(0);
  if (request.now || lagging == 0 || timeout.count() == 0) return complete(request);
  log::notice("Waiting for replicas before shutting down.");
  waiting_ = std::move(request);
  deadline_ = control_.now() + timeout;
  parts_.hold_writes(Parts::Hold::kBegins);
  look_again();
}

void Shutdown::look_again() {
  (void)control_.call_after(kLookPeriod, [this] {
    if (!waiting_) return;
    const std::size_t lagging = parts_.lagging_replicas();
    if (lagging > 0 && control_.now() < deadline_) return look_again();
    if (lagging > 0) log::warning("{} replicas are not in sync when shutting down.", lagging);
    const ShutdownRequest request = std::move(*waiting_);
    waiting_.reset();
    complete(request);  // the writes stay held: nothing may come behind what the replicas have
    if (!ended_) parts_.hold_writes(Parts::Hold::kEnds);
  });
}

void Shutdown::end_wait() {
  waiting_.reset();
  parts_.hold_writes(Parts::Hold::kEnds);
}

void Shutdown::abort(std::function<void(Aborted)> answer) {
  control_.post([this, answer = std::move(answer)] {
    if (!waiting_) return answer(Aborted::kNothing);
    const ShutdownRequest request = std::move(*waiting_);
    end_wait();
    log::notice("Shutdown manually aborted.");
    if (request.on_failure) request.on_failure(Error{ErrorCode::kGeneric, "aborted"});
    answer(Aborted::kShutdown);
  });
}

void Shutdown::complete(const ShutdownRequest& request) {
  if (parts_.finish) {
    if (auto finished = parts_.finish(request); !finished) {
      log::warning("{}", finished.error().text());
      if (!request.force) {
        log::warning("Errors trying to shut down the server. Check the logs for more information.");
        if (request.on_failure) request.on_failure(finished.error());
        return;
      }
    }
  }
  ended_ = true;
  control_.stop();
}

}  // namespace ashlar::server
