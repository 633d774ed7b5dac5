#include "server/shutdown.h"

#include "base/log.h"

namespace ashlar::server {

void Shutdown::request(ShutdownRequest request) {
  control_.post([this, request = std::move(request)] { carry_out(request); });
}

void Shutdown::carry_out(const ShutdownRequest& request) {
  log::warning("User requested shutdown...");
  if (finish_) {
    if (auto finished = finish_(request); !finished) {
      log::warning("{}", finished.error().text());
      if (!request.force) {
        log::warning("Errors trying to shut down the server. Check the logs for more information.");
        if (request.on_failure) request.on_failure(finished.error());
        return;
      }
    }
  }
  control_.stop();
}

}  // namespace ashlar::server
