#include "cli/line_editor/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace ashlar::cli {
namespace {

constexpr int kEscapePauseMs = 50;  // a terminal sends an escape sequence in one go; a person does not
constexpr std::size_t kDefaultColumns = 80;

/// Raw mode for as long as the object lives.
class RawMode {
 public:
  explicit RawMode(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &saved_) != 0) return;
    termios raw = saved_;
    raw.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    raw.c_oflag &= ~static_cast<tcflag_t>(OPOST);
    raw.c_cflag |= CS8;
    raw.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | IEXTEN | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    // TCSADRAIN keeps what was typed ahead.
    active_ = ::tcsetattr(fd_, TCSADRAIN, &raw) == 0;
  }
  ~RawMode() {
    if (active_) ::tcsetattr(fd_, TCSADRAIN, &saved_);
  }
  RawMode(const RawMode&) = delete;
  RawMode& operator=(const RawMode&) = delete;
  [[nodiscard]] bool active() const noexcept { return active_; }

 private:
  int fd_;
  termios saved_{};
  bool active_ = false;
};

void write_fully(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR && errno != EAGAIN) return;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace

void Terminal::write(std::string_view bytes) { write_fully(out_, bytes); }

void Terminal::clear_screen() { write("\x1b[H\x1b[2J"); }

std::size_t Terminal::columns() const {
  winsize size{};
  if (::ioctl(out_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultColumns;
  return size.ws_col;
}

std::optional<Key> Terminal::next_key() {
  for (;;) {
    while (has_ahead()) {
      if (auto key = decoder_.feed(ahead_[ahead_used_++])) return key;
    }
    pollfd p{.fd = in_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&p, 1, decoder_.is_waiting() ? kEscapePauseMs : -1);
    if (ready == 0) {
      if (auto key = decoder_.flush()) return key;
      continue;
    }
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 4096> bytes{};
    const ssize_t n = ::read(in_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    ahead_.assign(bytes.data(), static_cast<std::size_t>(n));
    ahead_used_ = 0;
  }
}

ReadLine Terminal::read(std::string_view prompt, LineEditor& editor) {
  const RawMode raw(in_);
  if (!raw.active()) return {ReadOutcome::kEndOfInput, {}};
  write(editor.render(prompt, columns()));
  for (;;) {
    const auto key = next_key();
    if (!key) return {ReadOutcome::kEndOfInput, {}};
    switch (editor.press(*key)) {
      case EditAction::kNothing: break;
      case EditAction::kClearScreen: clear_screen(); [[fallthrough]];
      case EditAction::kRefresh:
        // While more input waits, drawing it once at the end is enough: pasted text stays fast.
        if (!has_ahead()) write(editor.render(prompt, columns()));
        break;
      case EditAction::kBell: write("\a"); break;
      case EditAction::kSubmit:
        write(editor.render(prompt, columns(), LineEditor::Last::kYes));
        write("\r\n");
        return {ReadOutcome::kLine, editor.text()};
      case EditAction::kInterrupt: write("\r\n"); return {ReadOutcome::kInterrupt, {}};
      case EditAction::kEndOfInput: write("\r\n"); return {ReadOutcome::kEndOfInput, {}};
    }
  }
}

std::optional<std::string> read_password(int in, int out, std::string_view prompt) {
  const RawMode raw(in);
  if (!raw.active()) return std::nullopt;
  write_fully(out, prompt);
  std::string password;
  for (;;) {
    char byte = 0;
    const ssize_t n = ::read(in, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || byte == '\x03' || byte == '\x04') {
      write_fully(out, "\r\n");
      return std::nullopt;
    }
    if (byte == '\r' || byte == '\n') {
      write_fully(out, "\r\n");
      return password;
    }
    if (byte == '\x7f' || byte == '\b') {
      if (password.empty()) continue;
      password.pop_back();
      write_fully(out, "\b \b");
    } else {
      password += byte;
      write_fully(out, "*");
    }
  }
}

std::optional<std::string> read_plain_line(std::FILE* in) {
  std::string line;
  for (int c = std::getc(in); c != EOF; c = std::getc(in)) {
    if (c == '\n') return line;
    line += static_cast<char>(c);
  }
  if (line.empty()) return std::nullopt;
  return line;
}

}  // namespace ashlar::cli
