#include "cli/modes/mode_tools.h"

#include <fmt/format.h>
#include <poll.h>

namespace ashlar::cli {

using resp::Value;

void pause_for(Micros duration) { ::poll(nullptr, 0, static_cast<int>(std::chrono::ceil<Millis>(duration).count())); }

Result<Answer> ask_patiently(const ModeContext& context, Words words) {
  for (int tries = 0;;) {
    const MonoTime start = context.clock.mono();
    auto reply = context.session.ask(words);
    if (reply) {
      if (tries > 0) say(context.console.out, "\r\x1b[0K");
      return Answer{std::move(*reply), context.clock.mono() - start};
    }
    if (reply.error().code == ErrorCode::kProtocol) return std::unexpected(std::move(reply.error()));
    // The first time at once; a server that lets us in and hangs up again gets a pause as well.
    if (tries > 0) pause_for(Seconds(1));
    say(context.console.out, fmt::format("\r\x1b[0KReconnecting... {}\r", ++tries));
    static_cast<void>(context.session.connect(Complain::kNo));
  }
}

void say(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

std::optional<std::vector<std::string>> KeyWalk::next() {
  if (failed_ || (begun_ && cursor_ == "0")) return std::nullopt;
  begun_ = true;
  const Options& options = context_.options;
  std::vector<std::string> words{"SCAN", cursor_};
  if (!options.pattern.empty()) words.insert(words.end(), {"MATCH", options.pattern});
  if (options.scan_count) words.insert(words.end(), {"COUNT", std::to_string(*options.scan_count)});
  auto reply = context_.session.ask(words);
  if (!reply) {
    if (reply.error().code != ErrorCode::kUnblocked) say(context_.console.err, "\nI/O error\n");
  } else if (reply->is_error()) {
    say(context_.console.err, fmt::format("SCAN error: {}\n", reply->text()));
  } else if (reply->items().size() != 2 || !reply->items()[1].is_aggregate()) {
    say(context_.console.err, "Invalid response from SCAN\n");
  } else {
    Value::Items parts = reply->take_items();
    cursor_ = parts[0].take_text();
    std::vector<std::string> keys;
    for (Value& key : parts[1].take_items()) keys.push_back(key.take_text());
    return keys;
  }
  failed_ = true;
  return std::nullopt;
}

std::optional<std::uint64_t> database_size(const ModeContext& context) {
  const std::vector<std::string> words{"DBSIZE"};
  const auto reply = context.session.ask(words);
  if (reply && reply->kind() == resp::ValueKind::kInteger) return static_cast<std::uint64_t>(reply->number());
  say(context.console.err, reply ? fmt::format("Couldn't determine DBSIZE: {}\n", reply->text()) : "\nI/O error\n");
  return std::nullopt;
}

std::optional<std::vector<Value>> call_all(const ModeContext& context,
                                           const std::vector<std::vector<std::string>>& commands) {
  std::vector<Value> replies;
  if (!context.session.is_connected()) return std::nullopt;
  Connection& link = context.session.link();
  for (const auto& words : commands) link.queue(words);
  auto sent = link.flush();
  Error why;
  if (!sent) why = std::move(sent.error());
  while (sent && replies.size() < commands.size()) {
    auto reply = link.receive();
    if (!reply) {
      why = std::move(reply.error());
      break;
    }
    replies.push_back(std::move(*reply));
  }
  if (replies.size() == commands.size()) return replies;
  if (why.code != ErrorCode::kUnblocked) say(context.console.err, fmt::format("Error: {}\n", why.text()));
  return std::nullopt;
}

}  // namespace ashlar::cli
