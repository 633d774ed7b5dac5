#include "cli/cluster/terminal.h"

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace ashlar::cli::cluster {
namespace {

bool terminal_has_colours() noexcept {
  const char* term = std::getenv("TERM");
  const char* refused = std::getenv("NO_COLOR");
  if (refused != nullptr && *refused != '\0') return false;
  return term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
}

std::string_view colour_of(Style style) noexcept {
  switch (style) {
    case Style::kPlain: return "";
    case Style::kHeading: return "\x1b[1m";
    case Style::kGood: return "\x1b[32;1m";
    case Style::kWarning: return "\x1b[33;1m";
    case Style::kBad: return "\x1b[31;1m";
  }
  return "";
}

void write_text(std::FILE* stream, std::string_view text) {
  // A closed or full output must not stop a move half-way: there is nobody to tell.
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stream));
}

}  // namespace

Terminal::Terminal(std::FILE* in, std::FILE* out, std::FILE* err)
    : in_(in), out_(out), err_(err), live_(::isatty(::fileno(out)) == 1), colours_(live_ && terminal_has_colours()) {}

Terminal::~Terminal() {
  end_progress();
  std::fflush(out_);
}

void Terminal::line(Style style, std::string_view text) {
  end_progress();
  const std::string_view colour = colours_ ? colour_of(style) : std::string_view();
  write_text(out_, colour);
  write_text(out_, text);
  if (!colour.empty()) write_text(out_, "\x1b[0m");
  write_text(out_, "\n");
  std::fflush(out_);
}

void Terminal::print(std::string_view text) {
  end_progress();
  write_text(out_, text);
  std::fflush(out_);
}

void Terminal::error_line(std::string_view text) {
  end_progress();
  std::fflush(out_);
  write_text(err_, text);
  write_text(err_, "\n");
  std::fflush(err_);
}

void Terminal::show_progress(std::string_view text) {
  if (!live_) return;
  write_text(out_, "\r\x1b[K");
  write_text(out_, text);
  std::fflush(out_);
  progress_shown_ = true;
}

void Terminal::end_progress() {
  if (!progress_shown_) return;
  write_text(out_, "\r\x1b[K");
  progress_shown_ = false;
}

std::optional<std::string> Terminal::ask(std::string_view question) {
  print(question);
  std::string answer;
  while (true) {
    const int c = std::fgetc(in_);
    if (c == EOF && answer.empty()) return std::nullopt;
    if (c == EOF || c == '\n') break;
    answer += static_cast<char>(c);
  }
  if (answer.ends_with('\r')) answer.pop_back();
  return answer;
}

std::optional<std::string> Terminal::ask_secret(std::string_view question) {
  const int fd = ::fileno(in_);
  termios before{};
  const bool hidden = ::tcgetattr(fd, &before) == 0;
  if (hidden) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(fd, TCSAFLUSH, &silent);
  }
  auto answer = ask(question);
  if (hidden) {
    ::tcsetattr(fd, TCSAFLUSH, &before);
    print("\n");
  }
  return answer;
}

}  // namespace ashlar::cli::cluster
