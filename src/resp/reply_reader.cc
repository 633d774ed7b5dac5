#include "resp/reply_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/bytes.h"

namespace ashlar::resp {
namespace {

constexpr std::size_t kCompactAt = 64 * 1024;

bool is_big_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

bool is_real(std::string_view text) {
  return iequals(text, "nan") || iequals(text, "-nan") || iequals(text, "inf") || iequals(text, "-inf") ||
         parse_double(text).has_value();
}

std::optional<ValueKind> aggregate_kind(char type) {
  switch (type) {
    case '*': return ValueKind::kArray;
    case '%':
    case '|': return ValueKind::kMap;
    case '~': return ValueKind::kSet;
    case '>': return ValueKind::kPush;
    default: return std::nullopt;
  }
}

std::unexpected<Error> broken(std::string detail) {
  return fail(ErrorCode::kProtocol, "Protocol error, " + std::move(detail));
}

}  // namespace

void ReplyReader::feed(std::string_view bytes) {
  compact();
  buffer_.append(bytes);
}

void ReplyReader::compact() {
  if (read_ == buffer_.size()) {
    // A buffer that once held a huge bulk is given back.
    if (buffer_.capacity() > 16 * kCompactAt) buffer_ = std::string();
    buffer_.clear();
    read_ = 0;
    scanned_ = 0;
  } else if (read_ >= kCompactAt && read_ >= buffer_.size() / 2) {
    buffer_.erase(0, read_);
    read_ = 0;
  }
}

std::size_t ReplyReader::pending_bytes() const noexcept { return partial_ + buffer_.size() - read_; }

std::string ReplyReader::take_unread() {
  std::string rest = buffer_.substr(read_);
  buffer_.clear();
  read_ = 0;
  scanned_ = 0;
  return rest;
}

Result<std::optional<Value>> ReplyReader::next() {
  if (failure_) return std::unexpected(*failure_);
  while (!done_) {
    const std::size_t before = read_;
    auto stepped = step();
    if (!stepped) {
      failure_ = std::move(stepped.error());
      return std::unexpected(*failure_);
    }
    partial_ += read_ - before;
    if (!*stepped) return std::optional<Value>();
  }
  partial_ = 0;
  return std::exchange(done_, std::nullopt);
}

std::optional<std::string_view> ReplyReader::take_line() {
  const std::size_t end = buffer_.find("\r\n", read_ + scanned_);
  if (end == std::string::npos) {
    const std::size_t unread = buffer_.size() - read_;
    // The last byte may be the '\r' of a line end that is cut in half.
    scanned_ = unread == 0 ? 0 : unread - 1;
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + read_, end - read_);
  read_ = end + 2;
  scanned_ = 0;
  return line;
}

Result<bool> ReplyReader::step() {
  if (bulk_) return read_bulk_body();
  const auto line = take_line();
  if (!line) {
    // One more, for a '\r' whose '\n' has not arrived yet.
    if (buffer_.size() - read_ > limits_.max_line_bytes + 1) return broken("too big line");
    return false;
  }
  if (line->size() > limits_.max_line_bytes) return broken("too big line");
  if (line->empty()) return broken("an empty line where a reply should begin");
  ASH_TRY_VOID(read_line_item(line->front(), line->substr(1)));
  return true;
}

Result<bool> ReplyReader::read_bulk_body() {
  const std::uint64_t unread = buffer_.size() - read_;
  // length is at most max_bulk_bytes, so the sum cannot wrap unless the limit itself is absurd.
  if (unread < bulk_->length || unread - bulk_->length < 2) return false;
  const auto length = static_cast<std::size_t>(bulk_->length);
  std::string_view body(buffer_.data() + read_, length);
  if (std::string_view(buffer_.data() + read_ + length, 2) != "\r\n") return broken("a bulk without its line end");
  Value value;
  if (bulk_->type == '=') {
    if (body.size() < 4 || body[3] != ':') return broken("a verbatim string without its format");
    value = Value::verbatim({body[0], body[1], body[2]}, std::string(body.substr(4)));
  } else if (bulk_->type == '!') {
    value = Value::error(std::string(body));
  } else {
    value = Value::bulk(std::string(body));
  }
  read_ += length + 2;
  bulk_.reset();
  complete(std::move(value));
  return true;
}

Result<void> ReplyReader::read_line_item(char type, std::string_view rest) {
  switch (type) {
    case '+': complete(Value::simple(std::string(rest))); return {};
    case '-': complete(Value::error(std::string(rest))); return {};
    case ':': {
      const auto number = parse_i64(rest.starts_with('+') ? rest.substr(1) : rest);
      if (!number) return broken("a bad integer");
      complete(Value::integer(*number));
      return {};
    }
    case ',':
      if (!is_real(rest)) return broken("a bad double");
      complete(Value::real(std::string(rest)));
      return {};
    case '#':
      if (rest != "t" && rest != "f") return broken("a bad boolean");
      complete(rest == "t" ? Value::yes() : Value::no());
      return {};
    case '(':
      if (!is_big_number(rest)) return broken("a bad big number");
      complete(Value::big_number(std::string(rest)));
      return {};
    case '_':
      if (!rest.empty()) return broken("a bad null");
      complete(Value::null());
      return {};
    case '$':
    case '=':
    case '!': return open_bulk(type, rest);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|': return open_aggregate(type, rest);
    default: return broken(fmt::format("got {} as reply type byte", quoted(std::string_view(&type, 1))));
  }
}

Result<void> ReplyReader::open_bulk(char type, std::string_view count) {
  if (type == '$' && count == "-1") {
    complete(Value::null());
    return {};
  }
  const auto length = parse_u64(count);
  if (!length) return broken("a bad bulk length");
  if (*length > limits_.max_bulk_bytes) return broken("a bulk longer than allowed");
  bulk_ = PendingBulk{type, *length};
  return {};
}

Result<void> ReplyReader::open_aggregate(char type, std::string_view count) {
  if (type == '*' && count == "-1") {
    complete(Value::null());
    return {};
  }
  const auto announced = parse_u64(count);
  if (!announced) return broken("a bad element count");
  const std::uint64_t per_entry = type == '%' || type == '|' ? 2 : 1;
  if (*announced > limits_.max_elements / per_entry) return broken("more elements than allowed");
  if (open_.size() >= limits_.max_depth) return broken("replies nested too deeply");
  const Role role = type == '|' ? Role::kAttributes : Role::kElement;
  open_.push_back(Frame{*aggregate_kind(type), role, *announced * per_entry, {}, std::exchange(attributes_, {})});
  if (*announced != 0) return {};
  Frame frame = std::move(open_.back());
  open_.pop_back();
  attributes_ = std::move(frame.attributes);
  if (role == Role::kElement) complete(Value::aggregate(frame.kind, {}));
  return {};
}

void ReplyReader::complete(Value value) {
  for (;;) {
    if (!attributes_.empty()) value.set_attributes(std::exchange(attributes_, {}));
    if (open_.empty()) {
      done_ = std::move(value);
      return;
    }
    Frame& top = open_.back();
    top.items.push_back(std::move(value));
    if (--top.remaining != 0) return;
    Frame frame = std::move(top);
    open_.pop_back();
    if (frame.role == Role::kAttributes) {
      // They describe the value that follows; an earlier set for the same value is kept before them.
      attributes_ = std::move(frame.attributes);
      std::ranges::move(frame.items, std::back_inserter(attributes_));
      return;
    }
    attributes_ = std::move(frame.attributes);
    value = Value::aggregate(frame.kind, std::move(frame.items));
  }
}

}  // namespace ashlar::resp
