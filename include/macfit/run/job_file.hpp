#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "macfit/run/job.hpp"

namespace macfit::run {

/// A job list on disk. Only where each job stands is kept in memory; its text is read again when
/// the job is sent.
class JobFile {
 public:
  /// Reads every line once. Throws Error naming the line: it is no job, an id stands twice, there
  /// is none at all.
  explicit JobFile(std::string path);
  ~JobFile();
  JobFile(const JobFile&) = delete;
  JobFile& operator=(const JobFile&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return spots_.size(); }
  /// Index of a job by its id; size() where there is none.
  [[nodiscard]] std::size_t find(const std::string& id) const;
  [[nodiscard]] const std::string& id(std::size_t index) const { return *spots_.at(index).id; }
  /// `model` as in parse_job(). Throws Error where the file has changed meanwhile.
  [[nodiscard]] Job read(std::size_t index, const std::string& model) const;

 private:
  struct Spot {
    std::uint64_t offset = 0;
    std::uint64_t line = 0;
    std::size_t length = 0;
    const std::string* id = nullptr;
  };
  std::string path_;
  int fd_ = -1;
  std::vector<Spot> spots_;
  std::unordered_map<std::string, std::size_t> by_id_;
};

}  // namespace macfit::run
