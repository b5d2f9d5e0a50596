#include "files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "paths.hpp"
#include "unfinished.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;

Error failed(const std::string& path, const std::string& what, int code) {
  return Error(what + ": " + std::generic_category().message(code), Place{path, {}, {}});
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > 2) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// 0, or the error.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// What a path names in the end: of a symbolic link the file, there or not, is replaced, and the
/// link keeps pointing at it.
fs::path behind_links(const std::string& path) {
  constexpr int most = 40;  // as the kernel follows
  fs::path target = path;
  std::error_code error;
  for (int followed = 0; fs::is_symlink(fs::symlink_status(target, error)); ++followed) {
    const fs::path next = fs::read_symlink(target, error);
    if (error || followed == most) {
      throw failed(path, "can't follow the link", error ? error.value() : ELOOP);
    }
    target = target.parent_path() / next;  // an absolute one replaces it
  }
  return target;
}

/// Files and folders that flags named to be read; workers of a sweep add to them too.
class Inputs {
 public:
  void add(const struct stat& info) {
    const std::lock_guard lock(mutex_);
    read_.insert({info.st_dev, info.st_ino});
  }
  [[nodiscard]] bool has(const struct stat& info) const {
    const std::lock_guard lock(mutex_);
    return read_.count({info.st_dev, info.st_ino}) > 0;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<dev_t, ino_t>> read_;
};

Inputs& inputs() {
  static Inputs all;
  return all;
}

}  // namespace

void note_input(const std::string& path) {
  struct stat info {};
  if (path != "-" && ::stat(expand_home(path).c_str(), &info) == 0) {
    inputs().add(info);
  }
}

void refuse_input(const std::string& path) {
  const std::string target = expand_home(path);
  const std::string folder = fs::path(target).parent_path().string();
  struct stat file {};
  struct stat around {};
  if (path == "-" || ::stat(target.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) {
    return;
  }
  const bool in_folder =
      ::stat(folder.empty() ? "." : folder.c_str(), &around) == 0 && inputs().has(around);
  if (in_folder || inputs().has(file)) {
    throw Error("it is read by this command, and the output would replace it", Place{path, {}, {}},
                "write to another file");
  }
}

std::string read_text(const std::string& path, std::size_t limit) {
  const bool standard = path == "-";
  const std::string place = expand_home(path);
  struct stat info {};
  // A pipe waits for its writer; nothing else may keep the program waiting.
  const bool pipe = !standard && ::stat(place.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
  const Descriptor fd(standard
                          ? STDIN_FILENO
                          : ::open(place.c_str(), O_RDONLY | (pipe ? 0 : O_NONBLOCK) | O_CLOEXEC));
  if (fd.get() < 0) {
    throw failed(path, "can't open it", errno);
  }
  if (!standard) {
    if (::fstat(fd.get(), &info) != 0) {
      throw failed(path, "can't look at it", errno);
    }
    if (!S_ISREG(info.st_mode) && !(pipe && S_ISFIFO(info.st_mode))) {
      throw Error(
          S_ISDIR(info.st_mode) ? "it is a directory, not a file" : "it is not a plain file",
          Place{path, {}, {}});
    }
  }
  std::string text;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR) {
        continue;
      }
      throw failed(path, "can't read it", errno);
    }
    if (count == 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > limit) {
      throw Error("it is larger than " + std::to_string(limit) + " bytes", Place{path, {}, {}});
    }
  }
}

std::vector<std::pair<std::string, std::string>> read_folder(const std::string& directory) {
  std::vector<std::pair<std::string, std::string>> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".json" && name.find(".schema.") == std::string::npos) {
      files.emplace_back(name, read_text(entry.path().string()));
    }
  }
  if (error) {
    throw failed(directory, "can't read the folder", error.value());
  }
  std::sort(files.begin(), files.end());
  return files;
}

namespace {

Error no_file_beside(const std::string& path, const fs::path& target, int code) {
  return code == ENOENT
             ? Error("there is no folder \"" + printable(target.parent_path().string()) + "\"",
                     Place{path, {}, {}})
             : failed(path, "can't create a file beside it", code);
}

}  // namespace

OutputStream::OutputStream(const std::string& path) : path_(expand_home(path)) {
  if (path_.empty() || path_ == "-") {
    path_ = "standard output";
    fd_ = STDOUT_FILENO;
    return;
  }
  const fs::path target = behind_links(path_);
  target_ = target.string();
  struct stat info {};
  const bool exists = ::stat(target_.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) {
    throw Error("it is a directory", Place{path_, {}, {}}, "name a file in it");
  }
  if (exists && !S_ISREG(info.st_mode)) {
    fd_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw failed(path_, "can't write it", errno);
    }
    return;
  }
  if (exists && ::access(target_.c_str(), W_OK) != 0) {
    throw failed(path_, "can't write it", errno);
  }
  // A short name: the file's own may be as long as names can be.
  temporary_ = (target.parent_path() / ".macfit.XXXXXX").string();
  fd_ = make_temporary(temporary_);
  if (fd_ < 0) {
    const Error error = no_file_beside(path_, target, errno);
    temporary_.clear();
    throw error;
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  mode_ = exists ? info.st_mode & 07777U : 0666U & ~mask;
  if (exists && (info.st_uid != ::geteuid() || info.st_gid != ::getegid())) {
    // The owner stays too where that is allowed; the mode is set afterwards, by commit().
    [[maybe_unused]] const int ignored = ::fchown(fd_, info.st_uid, info.st_gid);
  }
}

OutputStream::~OutputStream() {
  if (fd_ > 2) {
    ::close(fd_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
    forget_temporary(temporary_);
  }
}

bool OutputStream::write(std::string_view text) {
  const int code = write_all(fd_, text);
  if (code == EPIPE) {
    return false;
  }
  if (code != 0) {
    throw failed(path_, "can't write it", code);
  }
  return true;
}

void OutputStream::commit() {
  if (temporary_.empty()) {
    return;
  }
  int code = ::fchmod(fd_, mode_) != 0 ? errno : 0;
  if (code == 0 && ::fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP) {
    code = errno;
  }
  if (::close(std::exchange(fd_, -1)) != 0 && code == 0) {
    code = errno;
  }
  if (code == 0 && ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    code = errno;
  }
  if (code != 0) {
    throw failed(path_, "can't write it", code);
  }
  forget_temporary(temporary_);
  temporary_.clear();
}

void write_file(const std::string& path, std::string_view text) {
  OutputStream stream(path);
  if (!stream.write(text)) {
    throw failed(path, "can't write it", EPIPE);
  }
  stream.commit();
}

void write_out(std::string_view text) { (void)OutputStream("-").write(text); }

}  // namespace macfit::cli
