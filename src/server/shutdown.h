/// Ends the server in order: what must be saved is saved first, and a failure to save keeps it running.
/// Thread: request() any; the rest control.
#pragma once

#include <functional>
#include <optional>

#include "base/error.h"
#include "net/event_loop.h"

namespace ashlar::server {

struct ShutdownRequest {
  enum class Save : std::uint8_t { kAsConfigured, kSave, kNoSave };
  Save save = Save::kAsConfigured;
  bool now = false;    // do not wait for replicas
  bool force = false;  // go even if saving fails
  /// Called on the control thread when the shutdown was given up.
  std::function<void(const Error&)> on_failure = {};
};

class Shutdown {
 public:
  /// `finish` does what has to be done before the process ends (saving, closing files). An error keeps the server
  /// running.
  using Finish = std::function<Result<void>(const ShutdownRequest&)>;
  explicit Shutdown(net::EventLoop& control) : control_(control) {}
  void set_finish(Finish finish) { finish_ = std::move(finish); }

  void request(ShutdownRequest request);

 private:
  void carry_out(const ShutdownRequest& request);
  net::EventLoop& control_;
  Finish finish_;
};

}  // namespace ashlar::server
