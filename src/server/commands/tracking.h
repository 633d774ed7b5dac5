/// CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO. Thread: any loop.
#pragma once

#include "command/table.h"

namespace ashlar::server::tracking {

class TrackingCommands {
 public:
  /// Behind the registration of CLIENT.
  void register_in(command::CommandTable& table);

  void tracking(command::Context& ctx);
  void caching(command::Context& ctx);
  void getredir(command::Context& ctx);
  void trackinginfo(command::Context& ctx);
};

}  // namespace ashlar::server::tracking
