#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <optional>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/dump_json.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/flags_json.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/study/in_order.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t longest_line = std::size_t{1} << 20;
constexpr std::size_t most_lines = 32;  ///< handed to a worker at once

struct Line {
  std::int64_t number = 0;  ///< from 1
  std::string text;
  bool too_long = false;
};

/// Lines of a descriptor as they come in: never waits while it has a whole one.
class LineReader {
 public:
  explicit LineReader(const std::string& path) : path_(path) {
    fd_ = path == "-" ? STDIN_FILENO : ::open(expand_home(path).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw failed("can't open it", errno);
    }
  }
  ~LineReader() {
    if (fd_ > 2) {
      ::close(fd_);
    }
  }
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Empty at the end.
  std::optional<std::vector<Line>> next() {
    std::vector<Line> lines;
    while (lines.empty()) {
      take(lines);
      if (lines.empty() && !fill()) {
        if (!current_.text.empty() || current_.too_long) {
          finish(lines);
        }
        break;
      }
    }
    return lines.empty() ? std::nullopt : std::optional(std::move(lines));
  }

 private:
  [[nodiscard]] Error failed(const std::string& what, int code) const {
    return Error(what + ": " + std::generic_category().message(code),
                 Place{path_ == "-" ? "standard input" : path_, {}, {}});
  }

  void finish(std::vector<Line>& lines) {
    current_.number = ++count_;
    if (current_.too_long || !trim(current_.text).empty()) {
      lines.push_back(std::move(current_));
    }
    current_ = {};
  }

  void take(std::vector<Line>& lines) {
    while (at_ < used_ && lines.size() < most_lines) {
      const std::string_view rest(buffer_.data() + at_, used_ - at_);
      const std::size_t end = rest.find('\n');
      const std::string_view piece = rest.substr(0, end);
      if (current_.too_long || current_.text.size() + piece.size() > longest_line) {
        current_.too_long = true;
        current_.text.clear();
      } else {
        current_.text += piece;
      }
      at_ += piece.size();
      if (end == std::string_view::npos) {
        return;
      }
      ++at_;
      finish(lines);
    }
  }

  bool fill() {
    while (true) {
      const ssize_t count = ::read(fd_, buffer_.data(), buffer_.size());
      if (count >= 0) {
        at_ = 0;
        used_ = static_cast<std::size_t>(count);
        return count > 0;
      }
      if (errno != EINTR) {
        throw failed("can't read it", errno);
      }
    }
  }

  std::string path_;
  int fd_ = -1;
  std::array<char, 65536> buffer_{};
  std::size_t at_ = 0;
  std::size_t used_ = 0;
  std::int64_t count_ = 0;
  Line current_;
};

RequestFlags read_line(const JsonValue& root, const RequestFlags& defaults, Json& id) {
  JsonObject object = root.object();
  if (const auto given = object.find("id")) {
    if (!given->is_string() && !given->is_number()) {
      throw given->expected("a text or a number");
    }
    id = given->raw();
  }
  RequestFlags flags = plan::read_flags(object, defaults);
  object.refuse_unknown();
  for (const char* needed : {"model", "nodes"}) {
    const std::string& text = needed[0] == 'm' ? flags.model : flags.cluster.nodes;
    if (text.empty()) {
      throw root.error(fmt::format("\"{}\" is missing", needed));
    }
  }
  return flags;
}

/// What the answers to some lines come to.
struct Answers {
  std::string text;
  std::int64_t wrong = 0;  ///< lines that could not be answered
  std::int64_t below = 0;  ///< plans below what was required
};

class Worker {
 public:
  Worker(const BatchFlags& batch, const RequestFlags& defaults, const Catalogs& catalogs,
         std::optional<plan::Requirement> required, const report::RowWriter& rows)
      : batch_(batch), defaults_(defaults), catalogs_(catalogs), required_(required), rows_(rows) {}

  Answers operator()(std::vector<Line>&& lines) {
    Answers answers;
    for (const Line& line : lines) {
      answer(line, answers);
    }
    return answers;
  }

 private:
  void answer(const Line& line, Answers& answers) {
    Json id = nullptr;
    const std::size_t before = answers.text.size();
    try {
      if (line.too_long) {
        throw Error(fmt::format("the line is longer than {} bytes", longest_line));
      }
      const JsonDocument document = JsonDocument::parse(line.text);
      const RequestFlags flags = read_line(document.root(), defaults_, id);
      const auto begin = [&](const char* what) {
        answers.text +=
            fmt::format("{{\"id\":{},\"line\":{},\"{}\":", dumped(id), line.number, what);
      };
      bool met = true;
      const auto judge = [&](fit::Tier tier, bool fits) {
        met = !required_ || plan::meets(*required_, tier, fits);
      };
      if (batch_.brief) {
        begin("row");
        const study::SweepRow row = brief(flags, answers.text);
        judge(row.tier, row.fits);
      } else {
        const plan::Plan plan = plan::make_plan(make_request(flags, catalogs_, "--nodes", &cache_));
        judge(plan.verdict.tier, plan.verdict.fits);
        begin("plan");
        answers.text += report::plan_json(plan, true);
      }
      answers.text += "}\n";
      answers.below += met ? 0 : 1;
    } catch (const Error& error) {
      answers.text.resize(before);
      ++answers.wrong;
      Json row;
      row["id"] = id;
      row["line"] = line.number;
      row["error"] = plan::error_json(error);
      answers.text += dumped(row) + "\n";
    }
  }

  static std::string dumped(const Json& json) { return dump_json(json, -1); }

  study::SweepRow brief(const RequestFlags& flags, std::string& out) {
    // What a setting does not hold may change from line to line without making it anew.
    RequestFlags same = flags;
    same.context = same.sequences = same.prefill_step = same.split = {};
    same.goal = same.replicas = {};
    std::string name;
    for (const plan::FlagKey& key : plan::flag_keys) {
      name += joined_name({key.field(same)});
    }
    for (const std::string& neighbor : same.beside) {
      name += joined_name({neighbor});
    }
    const study::Setting& setting = settings_.get(name, [&] {
      const plan::Request request = make_request(flags, catalogs_, "--nodes", &cache_);
      return study::make_setting(request, price_of(request.cluster, catalogs_), false);
    });
    const Question question = question_of(flags);
    study::SweepRow row;
    row.asked = {flags.model,
                 flags.quant,
                 flags.cluster.nodes,
                 flags.cluster.macos,
                 flags.cluster.wired_limit,
                 flags.cluster.link,
                 runtime::kv_format_name(question.workload.kv),
                 flags.runtime.empty() ? "all" : std::string_view(flags.runtime),
                 flags.split.empty() ? "auto" : std::string_view(flags.split)};
    study::answer(setting, question.workload, question.terms, {}, row);
    rows_.write(out, row);
    out.pop_back();  // its end of line
    return row;
  }

  const BatchFlags& batch_;
  const RequestFlags& defaults_;
  const Catalogs& catalogs_;
  std::optional<plan::Requirement> required_;
  const report::RowWriter& rows_;
  RequestCache cache_;
  LruCache<study::Setting> settings_{64};
};

}  // namespace

int run_batch(const BatchFlags& batch, const RequestFlags& defaults, const Common& common,
              const Catalogs& catalogs) {
  std::optional<plan::Requirement> required;
  if (!batch.require.empty()) {
    required = plan::parse_requirement(batch.require);
  }
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  if (!batch.threads.empty()) {
    threads = static_cast<std::size_t>(parse_whole(batch.threads, "--threads", 1, 256));
  }
  LineReader reader(batch.file);
  note_input(batch.file);
  refuse_input(common.output);
  OutputStream out(common.output);
  Progress progress(common, true);
  std::int64_t answered = 0;
  const study::Grid grid;
  const report::RowWriter rows(report::RowFormat::jsonl, study::standard_columns(), grid, {});
  std::int64_t wrong = 0;
  std::int64_t below = 0;
  study::in_order(
      threads, [&] { return reader.next(); },
      [&] { return Worker(batch, defaults, catalogs, required, rows); },
      [&](Answers&& answers) {
        wrong += answers.wrong;
        below += answers.below;
        answered += std::count(answers.text.begin(), answers.text.end(), '\n');
        if (progress.due()) {
          progress.say(fmt::format(
              "batch: {} answers, {} a second", format_whole(answered),
              format_whole(std::llround(static_cast<double>(answered) / progress.seconds()))));
        }
        return out.write(answers.text);
      });
  out.commit();
  const Log log(common);
  if (wrong > 0) {
    log.warn(fmt::format("requests without an answer: {} of {} (\"error\" says why)",
                         format_whole(wrong), format_whole(answered)));
  }
  if (below > 0) {
    log.warn(fmt::format("plans below the required {}: {} of {}", plan::requirement_name(*required),
                         format_whole(below), format_whole(answered - wrong)));
  }
  return wrong > 0 ? 2 : below > 0 ? 1 : 0;
}

std::string answer_lines(std::string_view lines, const Catalogs& catalogs) {
  const BatchFlags batch;
  const RequestFlags defaults;
  const study::Grid grid;
  const report::RowWriter rows(report::RowFormat::jsonl, study::standard_columns(), grid, {});
  Worker worker(batch, defaults, catalogs, std::nullopt, rows);
  std::vector<Line> all;
  std::int64_t number = 0;
  for (const std::string_view line : split(lines, '\n')) {
    ++number;
    if (!trim(line).empty()) {
      all.push_back({number, std::string(line), line.size() > longest_line});
    }
  }
  return worker(std::move(all)).text;
}

}  // namespace macfit::cli
