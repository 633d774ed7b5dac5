/// What belongs to the data set beside keys: the code of function libraries. A port: src/script implements it;
/// snapshots, files and replication carry it along. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace ashlar::keyspace {

class FunctionStore {
 public:
  virtual ~FunctionStore() = default;
  /// The code of every library, as FUNCTION LOAD takes it.
  [[nodiscard]] virtual std::vector<std::string> codes() const = 0;
  /// Adds a library; one of the same name is replaced. Errors: it does not compile, or a function's name is taken.
  [[nodiscard]] virtual Result<void> load(std::string_view code) = 0;
  virtual void clear() = 0;
};

}  // namespace ashlar::keyspace
