#include "server/config/command_line.h"

#include <string_view>

#include "base/bytes.h"
#include "server/config/grammar.h"

namespace ashlar::config {
namespace {

[[nodiscard]] bool opens_directive(std::string_view argument) noexcept { return argument.starts_with("--"); }

/// Turns option arguments into lines of configuration text.
class OptionWriter {
 public:
  /// `next` is the argument behind, nullptr at the end.
  void add(const std::string& argument, const std::string* next) {
    if (wants_value_ || !opens_directive(argument)) {
      text_ += ashlar::quoted(argument) + " ";
      wants_value_ = false;
      return;
    }
    if (!text_.empty()) text_ += '\n';
    text_ += argument.substr(2) + " ";
    const auto words = split_words(argument);
    wants_value_ = words && words->size() == 1;
    if (wants_value_ && iequals(argument, "--save") && (next == nullptr || opens_directive(*next))) {
      text_ += "\"\"";
      wants_value_ = false;
    }
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  bool wants_value_ = false;
};

}  // namespace

CommandLine parse_command_line(std::span<const std::string> arguments) {
  CommandLine line;
  std::size_t i = 0;
  if (!arguments.empty() && !arguments[0].starts_with('-')) line.file = arguments[i++];
  OptionWriter options;
  for (; i < arguments.size(); ++i) {
    if (arguments[i] == "-" && (i == 0 || i + 1 == arguments.size())) {
      line.standard_input = CommandLine::StandardInput::kRead;
    } else {
      options.add(arguments[i], i + 1 < arguments.size() ? &arguments[i + 1] : nullptr);
    }
  }
  line.options = options.take();
  return line;
}

}  // namespace ashlar::config
