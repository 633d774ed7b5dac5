/// INFO: sections written by whoever knows the figures. Thread: registered at start, rendered by any loop; writers must
/// be safe to call from any thread.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ashlar::server {

/// Lines of one section.
class InfoWriter {
 public:
  template <typename T>
  void field(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  template <typename... Args>
  void formatted(std::string_view name, fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), "{}:", name);
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += "\r\n";
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

class Info {
 public:
  /// In `INFO` without arguments, or only when asked for by name, `all` or `everything`.
  enum class Shown : std::uint8_t { kByDefault, kOnRequest };
  using Section = std::function<void(InfoWriter&)>;
  /// Adds a section, or lines to one that is there. The name is as printed ("Server").
  void add(std::string name, Shown shown, Section section);
  /// The reply of INFO for these section names (any case; none: the default ones).
  [[nodiscard]] std::string render(std::span<const std::string_view> names) const;

 private:
  struct Part {
    std::string name;
    Shown shown;
    std::vector<Section> writers;
  };
  std::vector<Part> parts_;
};

}  // namespace ashlar::server
