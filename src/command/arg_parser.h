/// Reads the arguments of a command one after another and keeps the first error, so that a handler checks once at the
/// end:
///
///     ArgParser in(ctx.args, 3);
///     while (in.more()) {
///       if (in.take("EX")) expiry = in.integer();
///       else in.reject();
///     }
///     if (in.failed()) return ctx.error(in.error());
///
/// After the first error every read returns a neutral value. Thread: one. Views live as long as the arguments.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

namespace ashlar::command {

class ArgParser {
 public:
  ArgParser(std::span<const std::string_view> args, std::size_t first) : args_(args), at_(first) {}

  [[nodiscard]] bool more() const noexcept { return !error_ && at_ < args_.size(); }
  /// How many arguments are left.
  [[nodiscard]] std::size_t left() const noexcept { return at_ < args_.size() ? args_.size() - at_ : 0; }
  /// Consumes the next argument when it is this word, in any case.
  [[nodiscard]] bool take(std::string_view word) noexcept {
    if (!more() || !iequals(args_[at_], word)) return false;
    ++at_;
    return true;
  }
  /// The next argument; a syntax error when there is none.
  std::string_view text() {
    if (error_) return {};
    if (at_ >= args_.size()) {
      fail_with({ErrorCode::kSyntax, {}});
      return {};
    }
    return args_[at_++];
  }
  /// The next argument as a 64-bit integer; `otherwise` is the error when it is none.
  std::int64_t integer(Error otherwise = {ErrorCode::kNotInteger, {}}) {
    const std::string_view word = text();
    if (error_) return 0;
    if (const auto v = parse_i64(word)) return *v;
    fail_with(std::move(otherwise));
    return 0;
  }
  /// An integer within low..high, both included.
  std::int64_t integer_in(std::int64_t low, std::int64_t high, Error otherwise) {
    const std::int64_t v = integer(otherwise);
    if (!error_ && (v < low || v > high)) fail_with(std::move(otherwise));
    return v;
  }
  double number(Error otherwise = {ErrorCode::kNotFloat, {}}) {
    const std::string_view word = text();
    if (error_) return 0;
    if (const auto v = parse_double(word)) return *v;
    fail_with(std::move(otherwise));
    return 0;
  }
  /// The present argument fits nothing: a syntax error.
  void reject() { fail_with({ErrorCode::kSyntax, {}}); }
  void fail_with(Error error) {
    if (!error_) error_ = std::move(error);
  }
  [[nodiscard]] bool failed() const noexcept { return error_.has_value(); }
  /// Only when failed().
  [[nodiscard]] const Error& error() const noexcept { return *error_; }

 private:
  std::span<const std::string_view> args_;
  std::size_t at_;
  std::optional<Error> error_;
};

}  // namespace ashlar::command
