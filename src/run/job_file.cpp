#include "macfit/run/job_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "line_reader.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::run {

JobFile::JobFile(std::string path) : path_(std::move(path)) {
  LineReader reader(path_);
  while (const auto line = reader.next()) {
    if (trim(line->text).empty()) {
      continue;
    }
    const std::string place = path_ + ":" + std::to_string(line->number);
    try {
      Job job = parse_job(line->text);
      const auto [known, fresh] = by_id_.emplace(std::move(job.id), spots_.size());
      if (!fresh) {
        throw Error("the id \"" + printable(known->first, 60) + "\" stands in line " +
                        std::to_string(spots_[known->second].line) + " already",
                    {}, "each job needs its own: results are told apart by it");
      }
      spots_.push_back({line->offset, line->number, line->text.size(), &known->first});
    } catch (const Error& error) {
      throw error.in_file(place);
    }
  }
  if (spots_.empty()) {
    throw Error("there are no jobs in it", Place{path_, {}, {}},
                "one JSON object a line: {\"id\": \"1\", \"prompt\": \"…\"}");
  }
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) {
    throw Error("can't read it: " + std::generic_category().message(errno), Place{path_, {}, {}});
  }
}

JobFile::~JobFile() { ::close(fd_); }

std::size_t JobFile::find(const std::string& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? spots_.size() : found->second;
}

Job JobFile::read(std::size_t index, const std::string& model) const {
  const Spot& spot = spots_.at(index);
  std::string text(spot.length, '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(fd_, text.data() + done, text.size() - done,
                                  static_cast<off_t>(spot.offset + done));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  try {
    Job job = parse_job(text, model);
    if (job.id == *spot.id) {
      return job;
    }
  } catch (const Error&) {
    // Below: it was a job when the file was opened.
  }
  throw Error("it has changed since the start of this run",
              Place{path_ + ":" + std::to_string(spot.line), {}, {}},
              "start again: what is done stays done");
}

}  // namespace macfit::run
