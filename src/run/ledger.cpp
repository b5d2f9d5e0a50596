#include "macfit/run/ledger.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "line_reader.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::run {
namespace {

Error failed(const std::string& path, const std::string& what, int code, std::string hint = {}) {
  return Error(what + ": " + std::generic_category().message(code), Place{path, {}, {}},
               std::move(hint));
}

/// On the medium, not only in a cache. Apple's fsync() leaves it in the drive's.
int flush(int fd) {
#ifdef F_FULLFSYNC
  if (::fcntl(fd, F_FULLFSYNC) == 0) {
    return 0;
  }
#endif
  return ::fsync(fd);
}

/// The number of bytes written before an error, which is in errno.
std::size_t write_all(int fd, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

Ledger::Ledger(std::string path, const std::function<void(const Result&)>& seen)
    : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    throw failed(path_, "can't write results there", errno);
  }
  try {
    struct stat info {};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
      throw Error("results go to a file, and this is none", Place{path_, {}, {}});
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      throw Error("another macfit run is writing these results", Place{path_, {}, {}},
                  "--status says how far it is");
    }
    read(seen);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

Ledger::~Ledger() { ::close(fd_); }

void Ledger::read(const std::function<void(const Result&)>& seen) {
  LineReader reader(path_);
  while (const auto line = reader.next()) {
    if (trim(line->text).empty() && line->ended) {
      size_ = line->end();
      continue;
    }
    try {
      seen(read_result(line->text));
    } catch (const Error& error) {
      // Only the last line can be torn: whatever else is no result was not written by a run.
      if (line->ended) {
        throw Error("this is no result: " + error.message(),
                    Place{path_ + ":" + std::to_string(line->number), {}, {}},
                    "name another file by --results");
      }
      torn_ = line->text.size();
      take_off(line->offset);
      return;
    }
    size_ = line->end();
    if (!line->ended) {
      if (write_all(fd_, "\n") != 1 || flush(fd_) != 0) {
        throw failed(path_, "can't write results there", errno);
      }
      ++size_;
    }
  }
}

void Ledger::take_off(std::uint64_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0 || flush(fd_) != 0) {
    throw failed(path_, "can't take a torn line off", errno);
  }
  size_ = size;
}

void Ledger::append(const Result& result) {
  const std::string line = result_line(result) + "\n";
  if (write_all(fd_, line) != line.size() || flush(fd_) != 0) {
    const int code = errno;
    (void)::ftruncate(fd_, static_cast<off_t>(size_));
    throw failed(path_, "can't write a result", code,
                 "what stands in it is safe: make room, then type the same again");
  }
  size_ += line.size();
}

bool is_locked(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

}  // namespace macfit::run
