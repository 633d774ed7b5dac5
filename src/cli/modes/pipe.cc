#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/rng.h"
#include "cli/modes/mode_tools.h"
#include "resp/reply_reader.h"
#include "resp/request_writer.h"

namespace ashlar::cli {
namespace {

constexpr std::size_t kChunk = 64 * 1024;

/// Pumps standard input into the socket and counts what comes back. Both directions run at once: a server that cannot
/// send its replies stops reading.
class Pipe {
 public:
  explicit Pipe(const ModeContext& context) : context_(context), socket_(context.session.link().fd()) {}

  int run() {
    const int flags = ::fcntl(socket_, F_GETFL);
    if (flags < 0 || ::fcntl(socket_, F_SETFL, flags | O_NONBLOCK) < 0) {
      say(context_.console.err, fmt::format("Can't set the socket in non blocking mode: {}\n", std::strerror(errno)));
      return 1;
    }
    choose_last_word();
    last_reply_ = context_.clock.mono();
    while (!done_ && !failed_) turn();
    if (failed_) return 1;
    say(context_.console.out, fmt::format("errors: {}, replies: {}\n", errors_, replies_));
    return errors_ == 0 ? 0 : 1;
  }

 private:
  /// Nobody else sends this, so its echo is the last reply.
  void choose_last_word() {
    Rng rng(random_seed());
    for (int i = 0; i < 20; ++i) last_word_ += static_cast<char>('a' + rng.below(26));
  }

  void turn() {
    const bool wants_input = !input_ended_ && out_.size() < kChunk;
    std::array<pollfd, 2> polled{
        pollfd{.fd = socket_, .events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), .revents = 0},
        pollfd{.fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(polled.data(), polled.size(), wait_ms());
    if (ready < 0 && errno != EINTR) return give_up(fmt::format("Error: {}", std::strerror(errno)));
    if (ready == 0) {
      const auto seconds = context_.options.pipe_timeout.count();
      say(context_.console.err, fmt::format("No replies for {} seconds: exiting.\n", seconds));
      ++errors_;
      done_ = true;
      return;
    }
    if (polled[0].revents & (POLLIN | POLLHUP | POLLERR)) read_replies();
    if (!done_ && !failed_ && !out_.empty() && (polled[0].revents & POLLOUT)) write_some();
    if (!done_ && !failed_ && polled[1].revents != 0) read_input();
  }

  /// Only silence after the end of the input counts.
  [[nodiscard]] int wait_ms() const {
    const Seconds limit = context_.options.pipe_timeout;
    if (!input_ended_ || limit.count() == 0) return -1;
    const auto left = std::chrono::ceil<Millis>(last_reply_ + limit - context_.clock.mono()).count();
    return static_cast<int>(std::max<Millis::rep>(left, 0));
  }

  void read_input() {
    std::array<char, kChunk> bytes;
    const ssize_t n = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno != EINTR && errno != EAGAIN) give_up(fmt::format("Error reading from stdin: {}", std::strerror(errno)));
      return;
    }
    if (n > 0) {
      out_.append(bytes.data(), static_cast<std::size_t>(n));
      return;
    }
    input_ended_ = true;
    last_reply_ = context_.clock.mono();
    // A blank line first, in case the input ends in the middle of an inline command.
    out_ += "\r\n";
    resp::write_request({"ECHO", last_word_}, out_);
    say(context_.console.out, "All data transferred. Waiting for the last reply...\n");
  }

  void write_some() {
    const ssize_t n = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (errno != EAGAIN && errno != EINTR)
        give_up(fmt::format("Error writing to the server: {}", std::strerror(errno)));
      return;
    }
    out_.erase(0, static_cast<std::size_t>(n));
  }

  void read_replies() {
    std::array<char, kChunk> bytes;
    const ssize_t n = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return give_up("Error reading replies from server");
    reader_.feed({bytes.data(), static_cast<std::size_t>(n)});
    for (;;) {
      auto reply = reader_.next();
      if (!reply) return give_up("Error reading replies from server");
      if (!*reply) return;
      last_reply_ = context_.clock.mono();
      if ((*reply)->is_error()) {
        say(context_.console.err, fmt::format("{}\n", (*reply)->text()));
        ++errors_;
      } else if (input_ended_ && (*reply)->text() == last_word_) {
        say(context_.console.out, "Last reply received from server.\n");
        done_ = true;
        return;
      }
      ++replies_;
    }
  }

  void give_up(std::string_view why) {
    say(context_.console.err, fmt::format("{}\n", why));
    failed_ = true;
  }

  const ModeContext& context_;
  int socket_;
  resp::ReplyReader reader_;
  std::string out_;
  std::string last_word_;
  MonoTime last_reply_{};
  std::uint64_t errors_ = 0;
  std::uint64_t replies_ = 0;
  bool input_ended_ = false;
  bool done_ = false;
  bool failed_ = false;
};

}  // namespace

int run_pipe(const ModeContext& context) { return Pipe(context).run(); }

}  // namespace ashlar::cli
