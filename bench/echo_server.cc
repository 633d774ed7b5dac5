/// The floor under the real server: event loop, parser and encoder with nothing behind them. Answers every command with
/// a 16-byte bulk, and on SIGTERM prints the CPU time a request took. Usage: echo_server <port>. Point any load
/// generator at it. Libraries: ashlar_net, ashlar_resp.
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/buffer.h"
#include "base/check.h"
#include "net/connection_io.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "resp/encoder.h"
#include "resp/request_parser.h"

namespace {

using namespace ashlar;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kCommandsPerTurn = 64;

class Connection;

/// What the connections of a loop share.
struct Shared {
  net::EventLoop& loop;
  resp::CommandBatch batch;
  ByteBuffer input;                // of a connection that left nothing unread
  std::vector<Connection*> dirty;  // have replies to send at the end of the turn
  std::unordered_map<Connection*, std::unique_ptr<Connection>> all;
  std::uint64_t requests = 0;
};

class Connection final : public net::IoHandler {
 public:
  Connection(Shared& shared, Fd fd) : shared_(shared), fd_(std::move(fd)) {
    auto watch = shared.loop.watch(fd_.get(), net::Interest::kRead, *this);
    ASH_CHECK(watch.has_value());
    watch_ = std::move(*watch);
  }
  void on_ready(net::Readiness readiness) noexcept override {
    if (readiness.readable) read();
    if (readiness.writable && !output_.empty() && !dirty_) flush();
  }
  void flush() {
    dirty_ = false;
    const net::IoOutcome sent = net::write_some(fd_.get(), output_.view());
    output_.consume_front(sent.bytes);
    watch_.set_interest(output_.empty() ? net::Interest::kRead : net::Interest::kReadWrite);
    if (closed_ || sent.status == net::IoStatus::kFailed) shared_.all.erase(this);
  }

 private:
  void read() {
    ByteBuffer& input = unread_.empty() ? shared_.input : unread_;
    const net::IoOutcome got = net::read_some(fd_.get(), input, kReadBytes);
    if (got.status == net::IoStatus::kWouldBlock) return;
    closed_ = got.status != net::IoStatus::kOk;
    resp::Parsed parsed{resp::ParseStatus::kComplete, 0};
    while (parsed.status == resp::ParseStatus::kComplete && !input.empty()) {
      parsed = parser_.parse(input.view(), {}, kCommandsPerTurn, shared_.batch);
      resp::Encoder reply(output_);
      for (std::size_t i = 0; i < shared_.batch.size(); ++i) reply.bulk("value-0123456789");
      shared_.requests += shared_.batch.size();
      input.consume_front(parsed.consumed);
    }
    closed_ |= parsed.status == resp::ParseStatus::kError;
    if (&input == &shared_.input && !input.empty()) unread_.swap(input);
    if (!dirty_) shared_.dirty.push_back(this);
    dirty_ = true;
  }

  Shared& shared_;
  Fd fd_;
  net::Watch watch_;
  resp::RequestParser parser_;
  ByteBuffer unread_;
  ByteBuffer output_;
  bool dirty_ = false;
  bool closed_ = false;
};

struct Listener final : net::IoHandler {
  explicit Listener(Shared& s, Fd listening) : shared(s), fd(std::move(listening)) {
    watch = std::move(*shared.loop.watch(fd.get(), net::Interest::kRead, *this));
  }
  void on_ready(net::Readiness) noexcept override {
    while (true) {
      auto accepted = net::accept(fd);
      if (!accepted || !*accepted) return;
      (void)net::set_nodelay((*accepted)->fd);
      auto connection = std::make_unique<Connection>(shared, std::move((*accepted)->fd));
      shared.all.emplace(connection.get(), std::move(connection));
    }
  }
  Shared& shared;
  Fd fd;
  net::Watch watch;
};

volatile std::sig_atomic_t terminated = 0;  // tidy: allow(global): what a signal handler can reach

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; }

}  // namespace

int main(int argc, char** argv) {
  ASH_CHECK(argc == 2);
  const SystemClock clock;
  net::EventLoop loop(clock);
  {
    Shared shared{.loop = loop};
    auto listening = net::listen_tcp("127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[1])), 511);
    ASH_CHECK(listening.has_value());
    const Listener listener(shared, std::move(*listening));
    loop.on_turn_end([&shared] {
      for (Connection* connection : shared.dirty) connection->flush();
      shared.dirty.clear();
    });
    std::signal(SIGTERM, [](int) { terminated = 1; });
    while (terminated == 0) loop.run_turn(Millis(100));

    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto n = static_cast<double>(shared.requests);
    std::printf("requests %llu, per request: user %.3f us, system %.3f us; turns %llu, events %llu\n",
                static_cast<unsigned long long>(shared.requests), seconds(usage.ru_utime) * 1e6 / n,
                seconds(usage.ru_stime) * 1e6 / n, static_cast<unsigned long long>(loop.stats().turns),
                static_cast<unsigned long long>(loop.stats().io_events));
  }
  return 0;
}
