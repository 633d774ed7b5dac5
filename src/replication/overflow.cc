#include "replication/overflow.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "base/log.h"

namespace ashlar::replication {

/// Puts blocks one behind the other into files of a limited size.
class Overflow::Writer {
 public:
  explicit Writer(FileSystem& files) : files_(files) {}

  Result<OverflowPlace> write(std::string_view bytes) {
    if (!file_ || size_ >= kFileBytes) ASH_TRY_VOID(begin_file());
    const std::uint64_t at = size_;
    if (auto done = file_->append(bytes); !done) {
      file_.reset();  // what it holds stays there for those who need it; the next block begins another
      return std::unexpected(std::move(done.error()));
    }
    size_ += bytes.size();
    return OverflowPlace{file_, at};
  }

 private:
  static constexpr std::uint64_t kFileBytes = 16ULL << 20;

  Result<void> begin_file() {
    const std::string path = fmt::format("temp-repl-log-{}.{}", ::getpid(), ++number_);
    ASH_TRY(std::unique_ptr<File> file, files_.open(path, OpenMode::kTruncate));
    ASH_TRY_VOID(files_.remove(path));
    file_ = std::move(file);
    size_ = 0;
    return {};
  }

  FileSystem& files_;
  std::uint64_t number_ = 0;
  std::shared_ptr<File> file_;  // shared with the blocks in it
  std::uint64_t size_ = 0;
};

Overflow::Overflow(net::EventLoop& loop, FileSystem& files) : loop_(loop), writer_(std::make_shared<Writer>(files)) {}

Executor& Overflow::executor() {
  if (!executor_) executor_.emplace("repl-overflow");
  return *executor_;
}

void Overflow::put_away(const std::shared_ptr<Block>& block) {
  executor().submit([&loop = loop_, writer = writer_, block] {
    if (block.use_count() == 1) return;  // it has been sent meanwhile
    auto place = writer->write(block->bytes);
    if (!place) return log::warning("A part of the replication stream stays in memory: {}", place.error().text());
    loop.post([block, place = std::move(*place)]() mutable {
      block->place = std::move(place);
      block->away = block->bytes.size();
      block->bytes = std::string();
      block->memory.reset();
    });
  });
}

void Overflow::fetch(const std::shared_ptr<Block>& block, std::function<void(const Result<void>&)> done) {
  if (block->coming) return;
  block->coming = true;
  executor().submit([&loop = loop_, block, place = block->place, size = block->away, done = std::move(done)]() mutable {
    Result<std::string> bytes = place.file->read_at(place.offset, size);
    if (bytes && bytes->size() != size) bytes = fail(ErrorCode::kIo, "the overflow file ended early");
    loop.post([block, bytes = std::move(bytes), done = std::move(done)]() mutable {
      block->coming = false;
      if (!bytes) return done(std::unexpected(bytes.error()));
      block->bytes = std::move(*bytes);
      block->away = 0;
      done({});
    });
  });
}

}  // namespace ashlar::replication
