/// SFLUSH: deletes all keys of slots, in all databases. Thread: any loop, which has the key space to itself meanwhile.
#pragma once

#include "cluster/driver/driver.h"
#include "command/context.h"
#include "command/table.h"

namespace ashlar::cluster {

class SlotFlush {
 public:
  /// `driver`: null outside of a cluster, where the command is refused. Must outlive the object.
  explicit SlotFlush(Driver* driver) : driver_(driver) {}
  void register_in(command::CommandTable& table);

  void sflush(command::Context& ctx);

 private:
  Driver* driver_;
};

}  // namespace ashlar::cluster
