#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/night_jobs.hpp"

namespace macfit::study {
namespace {

JobClass read_line(std::string_view line) {
  constexpr JsonLimits limits{std::size_t{4} << 10, 4};
  const JsonDocument document = JsonDocument::parse(line, limits);
  JsonObject object = document.root().object();
  JobClass job;
  job.prompt = static_cast<double>(object.at("prompt_tokens").whole(1, most_job_tokens));
  job.output = static_cast<double>(object.at("output_tokens").whole(1, most_job_tokens));
  if (const auto count = object.find("count")) {
    job.count = count->whole(1, most_jobs);
  }
  if (const auto id = object.find("id")) {
    job.id = id->string();
  }
  object.refuse_unknown();
  return job;
}

}  // namespace

JobList read_jobs(std::string_view text, std::string_view file) {
  const std::string name = file.empty() ? "jobs" : std::string(file);
  JobList list;
  std::int64_t jobs = 0;
  std::size_t number = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trim(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty()) {
      continue;
    }
    try {
      if (list.classes.size() == most_job_lines) {
        throw Error("more than " + format_whole(static_cast<std::int64_t>(most_job_lines)) +
                        " lines of jobs",
                    {}, "say equal jobs once, with a \"count\"");
      }
      list.classes.push_back(read_line(line));
      jobs += list.classes.back().count;
      if (jobs > most_jobs) {
        throw Error("more than " + format_whole(most_jobs) + " jobs in all");
      }
    } catch (const Error& error) {
      throw error.in_file(name + ":" + std::to_string(number));
    }
  }
  if (list.classes.empty()) {
    throw Error("there are no jobs in it", Place{name, {}, {}},
                "one JSON object a line: {\"prompt_tokens\": 2000, \"output_tokens\": 500}");
  }
  return list;
}

}  // namespace macfit::study
