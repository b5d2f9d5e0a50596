#include "macfit/read/byte_source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "macfit/core/error.hpp"

namespace macfit::read {

void ByteSource::read(std::uint64_t offset, std::span<char> out) const {
  if (offset > size() || out.size() > size() - offset) {
    throw Error("the file ends at byte " + std::to_string(size()) + ", where " +
                    std::to_string(out.size()) + " bytes were expected from byte " +
                    std::to_string(offset),
                Place{name(), {}, size()});
  }
  do_read(offset, out);
}

std::string ByteSource::read(std::uint64_t offset, std::size_t count) const {
  if (offset > size() || count > size() - offset) {
    read(offset, std::span<char>(static_cast<char*>(nullptr), count));  // throws
  }
  std::string result(count, '\0');
  read(offset, std::span<char>(result.data(), result.size()));
  return result;
}

void MemorySource::do_read(std::uint64_t offset, std::span<char> out) const {
  const auto part = bytes_.substr(static_cast<std::size_t>(offset), out.size());
  std::copy(part.begin(), part.end(), out.begin());
}

FileSource::FileSource(const std::filesystem::path& path) : name_(path.string()) {
  const auto fail = [&](const std::string& what) { throw Error(what, Place{name_, {}, {}}); };
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  switch (status.type()) {
    case std::filesystem::file_type::regular:
      break;
    case std::filesystem::file_type::not_found:
      fail("no such file or folder");
      break;
    case std::filesystem::file_type::directory:
      fail("expected a file, found a folder");
      break;
    case std::filesystem::file_type::none:
    case std::filesystem::file_type::unknown:
      fail("can't be looked at: " + code.message());
      break;
    default:
      fail("expected a regular file, found a pipe, a socket or a device");
  }
  size_ = std::filesystem::file_size(path, code);
  if (code) {
    fail("its size can't be read: " + code.message());
  }
  errno = 0;
  stream_.open(path, std::ios::binary);
  if (!stream_) {
    fail(std::string("can't be opened: ") + (errno != 0 ? std::strerror(errno) : "not readable"));
  }
}

void FileSource::do_read(std::uint64_t offset, std::span<char> out) const {
  stream_.clear();
  stream_.seekg(static_cast<std::streamoff>(offset));
  stream_.read(out.data(), static_cast<std::streamsize>(out.size()));
  if (!stream_ || stream_.gcount() != static_cast<std::streamsize>(out.size())) {
    throw Error("can't be read", Place{name_, {}, offset});
  }
}

}  // namespace macfit::read
