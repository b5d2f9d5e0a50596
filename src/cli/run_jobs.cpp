#include "run_jobs.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "command_line.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/run/run_report.hpp"
#include "macfit/run/ledger.hpp"
#include "macfit/run/night.hpp"
#include "macfit/study/night.hpp"
#include "macfit/study/night_simulation.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

namespace fs = std::filesystem;
using run::NightWatch;

struct RunFlags {
  Common common;
  std::string folder;
  std::string jobs;
  std::string results;
  std::vector<std::string> workers;
  std::string model;
  std::string at_once;
  std::string restarts;
  std::string until;
  std::string hours;
  std::string job_timeout;
  std::string ready;
  std::string pause;
  std::string soak;
  std::string measurements;
  bool status = false;
};

const std::vector<std::string> run_jobs_formats = {"text", "json", "html"};

constexpr const char* run_jobs_footer = R"(
Examples:
  macfit run glm --jobs jobs.jsonl --until 07:00
      Starts the folder that macfit launch wrote, has every job done, and is done at seven.
  macfit run --worker http://127.0.0.1:8080 --at-once 4 --jobs jobs.jsonl
      On a server that runs already.
  macfit run glm --jobs jobs.jsonl --status
      From another terminal: how far it is.
  macfit run glm --soak 2h
      Before a night is relied on: does it last, at the same speed?

A job is a line: {"id": "1", "prompt": "..."}, or one of OpenAI's batch files: {"custom_id": "1",
"url": "/v1/chat/completions", "body": {...}}. Its result is a line of --results, on the disk before
the next is asked for; the same command goes on where it ended. Ctrl-C lets the jobs in flight end,
once more stops. A key for the servers is taken from MACFIT_API_KEY. More: docs/run.md.
Exit codes: 0 every job has its answer (the soak passed), 1 some were set aside or are left, 2 it
could not start or not write.
)";

constexpr std::chrono::minutes log_pause{10};  ///< between two lines where there is no terminal

std::atomic<int> interrupts{0};  // NOLINT: a signal handler reaches nothing else

extern "C" void on_drain_signal(int /*signal*/) { ++interrupts; }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_drain_signal;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ::sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

NightWatch::Wish wish() {
  const int count = interrupts;
  return count == 0   ? NightWatch::Wish::go_on
         : count == 1 ? NightWatch::Wish::drain
                      : NightWatch::Wish::stop;
}

double duration(const std::string& text, const char* flag) {
  return in_flag(flag, [&] { return study::parse_hours(text).seconds; });
}

/// Seconds until the clock on the wall next shows `text`, summer time or not.
double seconds_until(const std::string& text) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  const double length =
      study::parse_hours(fmt::format("{:02}:{:02}-{}", parts.tm_hour, parts.tm_min, text)).seconds;
  parts.tm_min += static_cast<int>(std::lround(length / 60.0));
  parts.tm_sec = 0;
  parts.tm_isdst = -1;
  return std::difftime(std::mktime(&parts), now);
}

/// jobs.jsonl -> jobs.results.jsonl, beside it.
std::string results_path(const RunFlags& flags) {
  if (!flags.results.empty()) {
    return flags.results;
  }
  fs::path path(flags.jobs);
  path.replace_extension();
  return path.string() + ".results.jsonl";
}

std::string status_path(const std::string& results) { return results + ".status.json"; }

void add_workers(const RunFlags& flags, run::NightOptions& options) {
  if (!flags.folder.empty()) {
    options.folder = run::read_folder(flags.folder);
    options.workers = options.folder->workers;
    options.model = options.folder->model;
  }
  for (const std::string& worker : flags.workers) {
    run::WorkerSpec spec;
    spec.url = run::worker_url(worker);
    spec.name = spec.url;
    for (const run::WorkerSpec& other : options.workers) {
      if (other.url == spec.url) {
        throw Error("--worker: " + spec.url + " is given twice");
      }
    }
    options.workers.push_back(std::move(spec));
  }
  if (options.workers.empty()) {
    throw Error("who does the jobs is not said", {},
                "a folder of macfit launch, or --worker http://127.0.0.1:8080");
  }
  if (!flags.at_once.empty()) {
    constexpr std::int64_t most = 4096;
    const std::int64_t at_once = parse_whole(flags.at_once, "--at-once", 1, most);
    for (run::WorkerSpec& worker : options.workers) {
      worker.at_once = static_cast<std::size_t>(at_once);
    }
  }
  if (!flags.model.empty()) {
    options.model = flags.model;
  }
}

run::NightOptions options_of(const RunFlags& flags) {
  run::NightOptions options;
  if (!flags.folder.empty() && !flags.workers.empty()) {
    throw Error("a folder names its own workers, so --worker has no place beside it");
  }
  if (!flags.until.empty() && !flags.hours.empty()) {
    throw Error("--until and --hours both say when it ends");
  }
  add_workers(flags, options);
  if (flags.soak.empty()) {
    options.jobs = flags.jobs;
    options.results = results_path(flags);
  } else {
    options.soak_seconds = duration(flags.soak, "--soak");
  }
  if (!flags.until.empty()) {
    options.stop_seconds = in_flag("--until", [&] { return seconds_until(flags.until); });
  } else if (!flags.hours.empty()) {
    options.stop_seconds = duration(flags.hours, "--hours");
  }
  if (!flags.restarts.empty()) {
    constexpr std::int64_t most = 1000;
    options.restarts = parse_whole(flags.restarts, "--restarts", 0, most);
  }
  if (!flags.job_timeout.empty()) {
    options.job_seconds = duration(flags.job_timeout, "--job-timeout");
  }
  if (!flags.ready.empty()) {
    options.ready_seconds = duration(flags.ready, "--ready");
  }
  if (!flags.pause.empty()) {
    options.rules.first_pause =
        in_flag("--pause", [&] { return study::parse_duration(flags.pause, "a time such as 2s"); });
  }
  if (const char* key = std::getenv("MACFIT_API_KEY"); key != nullptr) {
    options.key = key;
    if (options.key.find_first_of("\r\n") != std::string::npos) {
      throw Error("MACFIT_API_KEY has a line end in it");
    }
  }
  return options;
}

std::string clock_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  return fmt::format("{:02}:{:02}:{:02}", parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string shown(const RunFlags& flags, const run::Report& report, const CLI::App& app) {
  const std::string& format = flags.common.format;
  return format == "json"   ? report::run_json(report)
         : format == "html" ? report::run_html(report, command_line(app))
                            : report::run_text(report, style_for(flags.common));
}

/// How far the run is, or was, whose results these are.
int show_status(const RunFlags& flags, const CLI::App& app) {
  const std::string results = results_path(flags);
  const std::string path = status_path(results);
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw Error("no run has written it yet", Place{path, {}, {}},
                "--jobs and --results as the run has them");
  }
  run::Report report;
  try {
    report = run::read_report(read_text(path));
  } catch (const Error& problem) {
    throw problem.in_file(path);
  }
  const bool alive = run::is_locked(results);
  if (!alive && report.state < run::State::finished) {
    report.state = run::State::broken;
    report.why = fmt::format("its process {} is gone since {}", report.process, report.updated);
  }
  if (flags.common.format == "text" && alive) {
    write_out(report::run_line(report) + "\n");
  }
  deliver(flags.common, shown(flags, report, app));
  return 0;
}

/// Lines behind those that a file has.
void append_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::error_code error;
  std::string text = fs::exists(path, error) ? read_text(path) : std::string();
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  write_file(path, text);
}

int run_command(const RunFlags& flags, const CLI::App& app) {
  check_format(flags.common, run_jobs_formats);
  if (flags.jobs.empty() == flags.soak.empty()) {
    throw Error(flags.jobs.empty() ? "what there is to do is not said"
                                   : "--soak makes its own jobs, so --jobs has no place beside it",
                {}, flags.jobs.empty() ? "--jobs FILE, or --soak 2h" : "");
  }
  if (flags.status) {
    return show_status(flags, app);
  }
  const run::NightOptions options = options_of(flags);
  const Log log(flags.common);
  Progress progress(flags.common, false);
  NightWatch watch;
  watch.wish = wish;
  watch.event = [&](const std::string& text) { log.warn(clock_now() + " " + text); };
  auto next_line = std::chrono::steady_clock::now() + log_pause;
  watch.tell = [&](const run::Report& report) {
    if (!options.results.empty()) {
      try {
        write_file(status_path(options.results), report::run_json(report));
      } catch (const Error& error) {
        log.detail(error.what());  // results matter: their own file says when the disk is full
      }
    }
    if (progress.due()) {
      progress.say(report::run_line(report));
    } else if (!progress.shown() && std::chrono::steady_clock::now() >= next_line) {
      next_line += log_pause;
      log.warn(clock_now() + " " + report::run_line(report));
    }
  };
  catch_signals();
  const run::Report report = run::run_night(options, watch);
  if (!flags.measurements.empty() && !report.measurements.empty()) {
    append_lines(flags.measurements, report.measurements);
  }
  deliver(flags.common, shown(flags, report, app));
  if (report.state == run::State::broken) {
    throw Error(report.why);
  }
  return run::exit_code(report);
}

}  // namespace

Action add_run(CLI::App& app) {
  auto flags = std::make_shared<RunFlags>();
  const auto option = [&](const char* name, std::string& value, const char* about,
                          const char* type) {
    app.add_option(name, value, about)->type_name(type);
  };
  option("folder", flags->folder, "A folder that macfit launch wrote", "FOLDER");
  option("--jobs", flags->jobs, "The jobs as JSON lines", "FILE");
  option("--results", flags->results,
         "Where results go, one line a job (default: the jobs' name with .results.jsonl)", "FILE");
  app.add_option("--worker", flags->workers, "A server that runs already (repeatable)")
      ->type_name("URL")
      ->take_all();
  option("--model", flags->model, "Asked for in place of what the jobs and the folder say", "NAME");
  option("--at-once", flags->at_once, "Jobs in flight per worker (default: as planned, else 1)",
         "N");
  option("--until", flags->until, "When no job is to be in flight any more: 07:00", "TIME");
  option("--hours", flags->hours, "The same as a length: 9, 8.5h, 90m", "HOURS");
  option("--restarts", flags->restarts, "How often a dead stack is started again (default 3)", "N");
  option("--job-timeout", flags->job_timeout, "Longest wait for one answer (default 1h)", "TIME");
  option("--ready", flags->ready, "Longest wait for a worker's first completion (default 30m)",
         "TIME");
  option("--pause", flags->pause,
         "Before a job is tried again; each next one is twice as long (default 1s)", "TIME");
  option("--soak", flags->soak, "Jobs of its own for so long, and a verdict: 2h", "TIME");
  option("--measurements", flags->measurements,
         "Rows for macfit calibrate are appended there (of workers with one job at once)", "FILE");
  app.add_flag("--status", flags->status, "How far the run with these results is");
  add_common(app, flags->common, run_jobs_formats);
  app.footer(run_jobs_footer);
  return [flags, &app] { return run_command(*flags, app); };
}

}  // namespace macfit::cli
