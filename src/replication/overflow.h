/// Where the stream is kept for a replica that is being synchronised when memory is full: in files that have no name
/// any more, so nothing is left of them whatever happens. Written and read by a thread of its own.
///
/// A block that was put away is written behind the others; its memory is given back when it is there. Room on the disk
/// is given back file by file, when nobody needs a block of it any more. Trouble with the disk is no harm: blocks that
/// cannot be written stay in memory, where limits hold.
///
/// Thread: the control loop's. Lifetime: after the blocks' owners, within the loop's life.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/executor.h"
#include "base/file.h"
#include "net/event_loop.h"
#include "replication/stream.h"

namespace ashlar::replication {

class Overflow {
 public:
  Overflow(net::EventLoop& loop, FileSystem& files);

  /// Begins to write a block, which nobody changes from now on.
  void put_away(const std::shared_ptr<Block>& block);
  /// Begins to read a block back, unless that has begun; `done` is called when its bytes are there, or with an error
  /// when they are lost. Only for a block that is away().
  void fetch(const std::shared_ptr<Block>& block, std::function<void(const Result<void>&)> done);

 private:
  class Writer;
  [[nodiscard]] Executor& executor();
  net::EventLoop& loop_;
  std::shared_ptr<Writer> writer_;    // shared with the tasks of the executor, on whose thread it lives
  std::optional<Executor> executor_;  // from the first use on; last: its tasks use the others
};

}  // namespace ashlar::replication
