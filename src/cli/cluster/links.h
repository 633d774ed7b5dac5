/// Connections to the nodes of a cluster, one each, opened when first needed.
///
/// Thread: one at a time. Every wait is bounded by the time-outs of the ConnectOptions given.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/connection.h"
#include "resp/value.h"

namespace ashlar::cli::cluster {

using Words = std::vector<std::string>;

class Links {
 public:
  /// `base` lets in everywhere; its endpoint is not used. A missing read time-out becomes `silence`.
  Links(ConnectOptions base, Millis silence);

  /// One command to one node. Errors: an error reply, as its whole text; kIo and kNoAuth of the connection, which is
  /// then opened anew by the next call.
  [[nodiscard]] Result<resp::Value> ask(const Endpoint& node, std::span<const std::string> words);
  [[nodiscard]] Result<resp::Value> ask(const Endpoint& node, std::initializer_list<std::string_view> words) {
    return ask(node, Words(words.begin(), words.end()));
  }
  /// Many commands, pipelined; replies in their order, error replies among them. Errors: of the connection.
  [[nodiscard]] Result<std::vector<resp::Value>> ask_all(const Endpoint& node, std::span<const Words> commands);
  /// Whether the node can be reached and lets us in. Errors: why not.
  [[nodiscard]] Result<void> probe(const Endpoint& node);

  /// What the constructor was told, for all that is asked from now on.
  void set_silence(Millis silence) { base_.read_timeout = silence; }

  [[nodiscard]] const ConnectOptions& base() const noexcept { return base_; }

 private:
  [[nodiscard]] Result<Connection*> link(const Endpoint& node);

  ConnectOptions base_;
  std::map<std::string, Connection> open_;
};

/// Lets every node be silent for at least so long while it lives. Does not shorten what is allowed already.
class Patience {
 public:
  Patience(Links& links, Millis silence);
  ~Patience() { links_.set_silence(before_); }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

 private:
  Links& links_;
  Millis before_;
};

}  // namespace ashlar::cli::cluster
