#include "cli/session.h"

#include <fmt/format.h>
#include <poll.h>

#include "base/bytes.h"
#include "cli/interrupt_watch.h"
#include "cli/redirection.h"

namespace ashlar::cli {

using resp::Value;
using resp::ValueKind;

namespace {

constexpr int kMaxRedirections = 16;  // a healthy cluster needs one or two

void write_all(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

void pause_for(Micros interval) { ::poll(nullptr, 0, static_cast<int>(std::chrono::ceil<Millis>(interval).count())); }

std::optional<std::uint32_t> database_number(const std::string& text) {
  const auto n = parse_u64(text);
  if (!n || *n > 0x7fffffff) return std::nullopt;
  return static_cast<std::uint32_t>(*n);
}

}  // namespace

Session::Session(const Options& options, Console console, Usage usage)
    : options_(options),
      console_(console),
      usage_(usage),
      endpoint_(options.connect.endpoint),
      wanted_database_(options.connect.database) {}

void Session::set_endpoint(Endpoint endpoint) {
  link_.reset();
  endpoint_ = std::move(endpoint);
}

void Session::set_stop_signal(std::optional<int> fd) {
  stop_fd_ = fd;
  if (link_) link_->set_stop_signal(fd);
}

ConnectResult Session::connect(Complain about_reaching) {
  link_.reset();
  database_ = 0;
  in_transaction_ = false;
  auto dialed = Connection::dial(endpoint_, options_.connect.connect_timeout);
  if (!dialed) {
    if (about_reaching == Complain::kYes) write_all(console_.err, dialed.error().detail + "\n");
    return ConnectResult::kUnreachable;
  }
  link_.emplace(std::move(*dialed));
  link_->set_stop_signal(stop_fd_);
  watch_pushes();
  return log_in() ? ConnectResult::kReady : ConnectResult::kRefused;
}

bool Session::log_in() {
  const ConnectOptions& wanted = options_.connect;
  if (wanted.password) {
    auto reply = wanted.user.empty() ? link_->call({"AUTH", *wanted.password})
                                     : link_->call({"AUTH", wanted.user, *wanted.password});
    if (!reply || reply->is_error()) {
      write_all(console_.err, reply ? fmt::format("AUTH failed: {}\n", reply->text()) : "\nI/O error\n");
      return false;
    }
  }
  if (!select_database()) return false;
  if (options_.resp3 == Resp3::kNo) return true;
  auto reply = link_->call({"HELLO", "3"});
  if (reply && !reply->is_error()) return true;
  write_all(console_.err, reply ? fmt::format("HELLO 3 failed: {}\n", reply->text()) : "\nI/O error\n");
  return reply && options_.resp3 == Resp3::kIfPossible;
}

bool Session::select_database() {
  if (wanted_database_ == database_) return true;
  auto reply = link_->call({"SELECT", std::to_string(wanted_database_)});
  if (!reply || reply->is_error()) {
    write_all(console_.err,
              reply ? fmt::format("SELECT {} failed: {}\n", wanted_database_, reply->text()) : "\nI/O error\n");
    return false;
  }
  database_ = wanted_database_;
  return true;
}

void Session::watch_pushes() {
  link_->set_push_handler([this](const Value& push) {
    if (!options_.show_pushes) return;
    write_all(console_.out, options_.output == OutputFormat::kTyped
                                ? format_push(push)
                                : format_reply(push, options_.output, options_.delimiters));
  });
}

void Session::lose_link(const Error* why) {
  if (why != nullptr) write_all(console_.err, fmt::format("Error: {}\n", why->text()));
  link_.reset();
  in_transaction_ = false;
}

RunResult Session::run(Words words, std::optional<std::uint64_t> repeat) {
  int redirections = 0;
  while (!repeat || *repeat > 0) {
    if (!is_connected() && connect(Complain::kYes) != ConnectResult::kReady) return RunResult::kNoLink;
    switch (send_once(words)) {
      case Step::kLost: return RunResult::kNoLink;
      case Step::kErrorReply: return RunResult::kErrorReply;
      case Step::kRedirected:
        if (++redirections > kMaxRedirections) {
          write_all(console_.err, "Error: too many redirections\n");
          return RunResult::kNoLink;
        }
        continue;
      case Step::kDone: break;
    }
    redirections = 0;
    if (repeat) --*repeat;
    if (options_.interval) pause_for(*options_.interval);
    // The server closed on purpose (SHUTDOWN): nothing to repeat.
    if (!is_connected()) break;
  }
  return RunResult::kOk;
}

Result<Value> Session::ask(Words words) {
  if (!is_connected()) return fail(ErrorCode::kIo, "Not connected");
  auto reply = link_->call(words);
  if (!reply) lose_link(nullptr);
  return reply;
}

Session::Step Session::send_once(Words words) {
  if (ask_next_) {
    ask_next_ = false;
    auto reply = link_->call({"ASKING"});
    if (!reply) {
      lose_link(&reply.error());
      return Step::kLost;
    }
    if (reply->is_error()) {
      write_all(console_.err, fmt::format("ASKING failed: {}\n", reply->text()));
      return Step::kLost;
    }
  }
  link_->queue(words);
  if (auto sent = link_->flush(); !sent) {
    lose_link(&sent.error());
    return Step::kLost;
  }
  if (starts_with_words(words, {"monitor"})) return read_stream_until_interrupt(words);
  if (subscribes(words)) {
    if (options_.output != OutputFormat::kRaw) write_all(console_.out, "Reading messages... (press Ctrl-C to quit)\n");
    link_->set_push_handler({});
    const Step step = read_stream_until_interrupt(words);
    if (is_connected()) watch_pushes();
    return step;
  }
  return read_and_print(words);
}

Session::Step Session::read_stream(Words words) {
  for (;;) {
    const Step step = read_and_print(words);
    if (step != Step::kDone || reply_failed_) return step;
  }
}

Session::Step Session::read_stream_until_interrupt(Words words) {
  if (usage_ == Usage::kOneShot) return read_stream(words);
  Step step = Step::kDone;
  {
    const InterruptWatch interrupt(*this);
    step = read_stream(words);
    if (!interrupt.seen()) return step;
  }
  // On the old connection the messages would go on coming.
  connect(Complain::kYes);
  return Step::kLost;
}

Session::Step Session::read_and_print(Words words) {
  auto reply = link_->receive();
  if (!reply) {
    const bool on_purpose = starts_with_words(words, {"shutdown"});
    const bool interrupted = reply.error().code == ErrorCode::kUnblocked;
    lose_link(on_purpose || interrupted ? nullptr : &reply.error());
    return on_purpose ? Step::kDone : Step::kLost;
  }
  reply_failed_ = reply->is_error();
  if (reply_failed_ && options_.follow_redirects) {
    if (const auto target = parse_redirection(reply->text(), endpoint_)) {
      ask_next_ = target->kind == Redirection::Kind::kAsk;
      redirect(target->target, target->slot);
      return Step::kRedirected;
    }
  }
  if (reply_failed_ && options_.fail_on_error && usage_ == Usage::kOneShot) {
    write_all(console_.err, fmt::format("{}\n", reply->text()));
    return Step::kErrorReply;
  }
  print(words, *reply);
  note_state(words, *reply);
  return Step::kDone;
}

void Session::redirect(Endpoint target, std::uint16_t slot) {
  if (usage_ == Usage::kInteractive)
    write_all(console_.out,
              fmt::format("-> Redirected to slot [{}] located at {}:{}\n", slot, target.host, target.port));
  set_endpoint(std::move(target));
}

void Session::print(Words words, const Value& reply) {
  write_all(console_.out, shows_report(words) ? format_raw(reply, options_.delimiters.element)
                                              : format_reply(reply, options_.output, options_.delimiters));
}

void Session::note_state(Words words, const Value& reply) {
  const std::size_t n = words.size();
  if (n == 2 && starts_with_words(words, {"select"}) && !reply.is_error()) {
    const auto number = database_number(words[1]);
    if (number) wanted_database_ = database_ = *number;
  } else if ((n == 2 || n == 3) && starts_with_words(words, {"auth"})) {
    static_cast<void>(select_database());
  } else if (n == 1 && starts_with_words(words, {"multi"}) && !reply.is_error()) {
    in_transaction_ = true;
    database_before_multi_ = database_;
  } else if (n == 1 && starts_with_words(words, {"exec"}) && in_transaction_) {
    in_transaction_ = false;
    if (reply.is_error() || reply.is_null()) wanted_database_ = database_ = database_before_multi_;
  } else if (n == 1 && starts_with_words(words, {"discard"}) && !reply.is_error()) {
    in_transaction_ = false;
    wanted_database_ = database_ = database_before_multi_;
  } else if (n == 1 && starts_with_words(words, {"reset"}) && !reply.is_error()) {
    in_transaction_ = false;
    wanted_database_ = database_ = 0;
  }
}

std::string Session::prompt() const {
  if (!is_connected()) return "not connected> ";
  std::string text;
  if (!endpoint_.unix_path.empty()) {
    text = "redis " + endpoint_.unix_path;
  } else if (endpoint_.host.find(':') != std::string::npos) {
    text = fmt::format("[{}]:{}", endpoint_.host, endpoint_.port);
  } else {
    text = endpoint_.text();
  }
  if (database_ != 0) text += fmt::format("[{}]", database_);
  if (in_transaction_) text += "(TX)";
  return text + "> ";
}

}  // namespace ashlar::cli
