#include "macfit/study/sweep.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "command_line.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/glob.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/runtime/names.hpp"
#include "macfit/study/in_order.hpp"
#include "progress.hpp"
#include "requests.hpp"
#include "standing.hpp"

namespace macfit::cli {
namespace {

struct SweepFlags {
  Common common;
  std::array<std::string, study::axis_count> axes;
  std::array<const CLI::Option*, study::axis_count> options{};
  std::string reserve;
  std::string cluster_reserve;
  std::string spec;
  std::vector<std::string> where;
  std::string select;
  std::string pareto;
  std::string part;
  std::string threads;
  bool yes = false;
  bool list_columns = false;
  bool hub = false;
};

constexpr const char* sweep_footer = R"(
Values: 4k,32k,128k is a list, 8k..256k*2 doubles, 1..64+8 adds, 1..8 counts; ends included;
at most 1,000,000 an axis.
Rows come in the order of the axes above, --context turning fastest, whatever --threads says.

Examples:
  macfit sweep --model glm-4.5,minimax-m2.5 --nodes 2x128,4x64 --context 8k..128k*2
  macfit sweep --model 'qwen3*' --nodes 2x128 --where 'tier>=borderline' --select model,tier,context
  macfit sweep --model glm-4.5 --nodes 2x128 --context 1k..128k+1k --pareto context,sequences \
      --sequences 1..16
  parallel -k macfit sweep --spec grid.json --part {}/8 ::: 1 2 3 4 5 6 7 8 >grid.csv
  macfit sweep --columns        The columns, for --select, --where and --pareto
)";

const std::vector<std::string> sweep_formats = {"csv", "jsonl", "markdown", "text", "html"};
constexpr std::int64_t most_rows = 1'000'000'000;  ///< without --yes
constexpr std::int64_t chunk_rows = 1024;

std::atomic<bool> interrupted = false;

struct sigaction old_interrupt {};
struct sigaction old_terminate {};

void on_stop_signal(int number) {
  interrupted = true;
  ::sigaction(number, number == SIGINT ? &old_interrupt : &old_terminate, nullptr);
}

/// Ctrl-C ends a sweep after whole rows; a second one ends it at once.
class Interrupts {
 public:
  Interrupts() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    ::sigaction(SIGINT, &action, &old_interrupt);
    ::sigaction(SIGTERM, &action, &old_terminate);
  }
  ~Interrupts() {
    ::sigaction(SIGINT, &old_interrupt, nullptr);
    ::sigaction(SIGTERM, &old_terminate, nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
};

/// "qwen3*" stands for the catalog's ids that match.
std::vector<std::string> models_of(const std::vector<std::string>& values,
                                   const Catalogs& catalogs) {
  std::vector<std::string> models;
  for (const std::string& value : values) {
    if (value.find_first_of("*?") == std::string::npos) {
      (void)resolve_model(value, "", catalogs);
      models.push_back(value);
      continue;
    }
    const std::size_t before = models.size();
    for (const std::string& id : catalogs.models.ids()) {
      if (matches_glob(value, id)) {
        models.push_back(id);
      }
    }
    if (models.size() == before) {
      throw Error(fmt::format("no model of the catalog matches \"{}\", so the grid is empty",
                              printable(value)));
    }
  }
  return models;
}

/// Looks up every value that only the catalogs know, so that a slip ends the sweep before it
/// begins.
void check_names(study::Axis axis, const std::vector<std::string>& values,
                 const Catalogs& catalogs) {
  for (const std::string& value : values) {
    if (axis == study::Axis::nodes) {
      ClusterFlags cluster;
      cluster.nodes = value;
      (void)resolve_cluster(cluster, catalogs);
    } else if (axis == study::Axis::link && !same_name(value, "default")) {
      (void)catalogs.hardware.link(value);
    }
  }
}

study::Grid make_grid(const SweepFlags& flags, const study::SweepSpec& spec,
                      const Catalogs& catalogs, const Log& log) {
  study::Grid grid(catalogs.runtimes);
  std::array<bool, study::axis_count> given{};
  const auto set = [&](study::Axis axis, std::vector<std::string> values,
                       const std::string& source) {
    std::vector<std::string> repeated;
    try {
      if (axis == study::Axis::model) {
        values = models_of(values, catalogs);
      }
      if (axis == study::Axis::runtime) {
        std::transform(values.begin(), values.end(), values.begin(),
                       [](const std::string& name) { return runtime::read_runtime(name).name; });
      }
      check_names(axis, values, catalogs);
      grid.set(axis, values, repeated);
    } catch (const Error& error) {
      // The place is in the message already, or it is a file that the value names.
      throw Error(source + ": " + error.message(), error.place(), error.hint());
    }
    given[static_cast<std::size_t>(axis)] = true;
    if (!repeated.empty()) {
      log.warn(source + ": named twice and kept once: " + join_words(repeated));
    }
  };
  for (std::size_t i = 0; i < study::axis_count; ++i) {
    const auto axis = static_cast<study::Axis>(i);
    const std::string flag = fmt::format("--{}", study::axis_name(axis));
    if (flags.options[i]->count() > 0) {
      std::vector<std::string> values;
      try {
        values = hardware::split_list(flags.axes[i]);
      } catch (const Error& error) {
        throw Error(flag + ": " + error.message(), error.place(), error.hint());
      }
      set(axis, std::move(values), flag);
      continue;
    }
    for (const auto& [named, values] : spec.axes) {
      if (named == axis) {
        set(axis, values, fmt::format("{}: /axes/{}", flags.spec, study::axis_name(axis)));
      }
    }
  }
  const Standing standing = standing_nodes();
  if (!given[static_cast<std::size_t>(study::Axis::nodes)] && !standing.nodes.empty()) {
    set(study::Axis::nodes, hardware::split_list(standing.nodes), standing.from);
  }
  for (const study::Axis axis : {study::Axis::model, study::Axis::nodes}) {
    if (!given[static_cast<std::size_t>(axis)]) {
      throw Error(fmt::format("--{} is required", study::axis_name(axis)), {},
                  "see macfit sweep --help");
    }
  }
  return grid;
}

std::pair<std::int64_t, std::int64_t> parse_part(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) {
    throw Error(fmt::format("--part: found \"{}\", expected a part and how many there are: 3/16",
                            printable(text)));
  }
  const std::int64_t parts =
      parse_whole(std::string_view(text).substr(slash + 1), "--part", 1, 1'000'000);
  return {parse_whole(std::string_view(text).substr(0, slash), "--part", 1, parts), parts};
}

std::string columns_text(const report::Style& style) {
  std::string text;
  std::size_t widest = 0;
  for (const study::Column& column : study::sweep_columns()) {
    widest = std::max(widest, column.name.size());
  }
  for (const study::Column& column : study::sweep_columns()) {
    text += fmt::format("  {:<{}}  {}{}\n", column.name, widest, column.meaning,
                        column.standard ? "" : " (by --select)");
  }
  return report::encode(style, text);
}

/// What a worker hands over: text, or rows: of a page, and with --pareto such as may be on the
/// front.
struct Done {
  std::string text;
  std::vector<study::SweepRow> rows;
  std::int64_t last = 0;
};

/// What a page's cells show: the first column named that is neither an axis nor the tier, which
/// they show anyway.
std::size_t figure_of(const std::vector<std::size_t>& columns) {
  const auto first = std::find_if(columns.begin(), columns.end(), [](std::size_t column) {
    return column > study::find_column("tier");
  });
  return first == columns.end() ? study::find_column("utilization") : *first;
}

/// What a sweep is to do, settled before the first row.
struct Job {
  study::Grid grid;
  study::Where where;
  std::vector<std::size_t> columns;
  std::string pareto;  ///< empty: every row that --where keeps
  study::Needs needs;
  report::RowFormat format = report::RowFormat::csv;
  bool page = false;
  std::size_t figure = 0;  ///< what a page's cells show
  study::Rows rows;
  bool header = true;
  std::size_t threads = 1;
};

std::string conditions_of(const SweepFlags& flags, const study::SweepSpec& spec) {
  std::string conditions = flags.where.empty() ? spec.where : std::string();
  for (const std::string& one : flags.where) {
    conditions += (conditions.empty() ? "" : ",") + one;
  }
  return conditions;
}

/// What the rows must show: the columns, and what the conditions and --pareto look at.
void read_columns(const SweepFlags& flags, const study::SweepSpec& spec, Job& job) {
  const std::string conditions = conditions_of(flags, spec);
  job.where = in_flag("--where", [&] { return study::Where::parse(conditions); });
  job.page = flags.common.format == "html";
  job.format = job.page ? report::RowFormat::text : report::parse_row_format(flags.common.format);
  const std::string selected = flags.select.empty() ? spec.select : flags.select;
  job.columns = in_flag("--select", [&] {
    return study::select_columns(selected, job.format == report::RowFormat::text
                                               ? report::brief_columns(job.grid)
                                               : study::standard_columns());
  });
  job.figure = selected.empty() ? study::find_column("utilization") : figure_of(job.columns);
  job.pareto = flags.pareto.empty() ? spec.pareto : flags.pareto;
  job.where.add_needs(job.needs);
  if (!job.pareto.empty()) {
    in_flag("--pareto", [&] { return study::Front(job.pareto); }).add_needs(job.needs);
  }
  for (const std::size_t column : job.columns) {
    study::add_need(column, job.needs);
  }
}

/// The rows of this part, after a look at how many there are in all.
void read_rows(const SweepFlags& flags, Job& job) {
  const std::optional<std::int64_t> size = job.grid.size();
  if (!size) {
    throw Error("the grid has 2^63 points or more");
  }
  if (*size > most_rows && !flags.yes) {
    throw Error(fmt::format("the grid has {} points, more than {}", format_whole(*size),
                            format_whole(most_rows)),
                {}, "--yes computes it all the same");
  }
  std::pair<std::int64_t, std::int64_t> part{1, 1};
  if (!flags.part.empty()) {
    part = parse_part(flags.part);
  }
  job.rows = study::part_of(*size, part.first, part.second);
  job.header = part.first == 1 && !job.page;
  if (job.page && *size > report::most_page_rows) {
    throw Error(fmt::format("the grid has {} points, more than the {} that a page holds",
                            format_whole(*size), format_whole(report::most_page_rows)),
                {}, "fewer values, or --format csv");
  }
}

/// As many as asked for, but none without a chunk of its own.
void read_threads(const SweepFlags& flags, Job& job) {
  std::int64_t threads = std::max(1U, std::thread::hardware_concurrency());
  if (!flags.threads.empty()) {
    threads = parse_whole(flags.threads, "--threads", 1, 256);
  }
  const std::int64_t chunks = (job.rows.last - job.rows.first + chunk_rows - 1) / chunk_rows;
  job.threads = static_cast<std::size_t>(std::clamp<std::int64_t>(chunks, 1, threads));
}

/// Evaluates a chunk: rows as text, or as they are where a page or --pareto needs them all.
class Worker {
 public:
  Worker(const Job& job, const study::Resolver& resolver, const report::RowWriter& writer)
      : job_(job), writer_(writer), evaluator_(job.grid, resolver, job.needs) {}

  Done operator()(study::Rows&& chunk) {
    Done done;
    std::optional<study::Front> front;
    if (!job_.pareto.empty()) {
      front.emplace(job_.pareto);
    }
    study::Point point = job_.grid.point(chunk.first);
    for (std::int64_t index = chunk.first; index < chunk.last; ++index, job_.grid.advance(point)) {
      row_.index = index;
      evaluator_.evaluate(point, row_);
      if (!job_.where.keeps(row_)) {
        continue;
      }
      if (front) {
        front->add(row_);
      } else if (job_.page) {
        done.rows.push_back(row_);
      } else {
        writer_.write(done.text, row_);
      }
    }
    if (front) {
      done.rows = front->take();
    }
    done.last = chunk.last;
    return done;
  }

 private:
  const Job& job_;
  const report::RowWriter& writer_;
  study::Evaluator evaluator_;
  study::SweepRow row_;
};

/// Takes what the workers hand over, in order, and writes it.
class Sink {
 public:
  Sink(const Job& job, const report::RowWriter& writer, OutputStream& out, const Common& common)
      : job_(job), writer_(writer), out_(out), progress_(common, !job.page && job.pareto.empty()) {
    if (!job.pareto.empty()) {
      front_.emplace(job.pareto);
    }
    open_ = !job.header || out.write(writer.header());
  }

  [[nodiscard]] bool open() const { return open_; }

  /// False where nobody reads on.
  bool take(Done&& done) {
    for (study::SweepRow& row : done.rows) {
      if (front_) {
        front_->add(row);
      } else {
        kept_.push_back(std::move(row));
      }
    }
    open_ = open_ && (done.text.empty() || out_.write(done.text));
    if (progress_.due()) {
      const std::int64_t all = job_.rows.last - job_.rows.first;
      const auto count = static_cast<double>(done.last - job_.rows.first);
      progress_.say(fmt::format("sweep: {:.1f} %, {} of {} rows, {} a second",
                                100.0 * count / static_cast<double>(all),
                                format_whole(done.last - job_.rows.first), format_whole(all),
                                format_whole(std::llround(count / progress_.seconds()))));
    }
    return open_ && !interrupted;
  }

  /// What could not be written before the last row was known.
  void finish(const std::string& origin) {
    const std::vector<study::SweepRow> rows = front_ ? front_->take() : std::move(kept_);
    if (job_.page && open_) {
      open_ = out_.write(report::sweep_html(job_.grid, rows, job_.figure, origin));
    } else if (front_ && open_) {
      std::string text;
      for (const study::SweepRow& row : rows) {
        writer_.write(text, row);
      }
      open_ = out_.write(text);
    }
  }

 private:
  const Job& job_;
  const report::RowWriter& writer_;
  OutputStream& out_;
  Progress progress_;
  std::optional<study::Front> front_;
  std::vector<study::SweepRow> kept_;  ///< for a page, which is written at the end
  bool open_ = true;
};

int sweep_command(const SweepFlags& flags, const CLI::App& app) {
  check_format(flags.common, sweep_formats);
  const report::Style style = style_for(flags.common);
  if (flags.list_columns) {
    deliver(flags.common, columns_text(style));
    return 0;
  }
  const Log log(flags.common);
  Catalogs catalogs = load_catalogs(flags.common);
  catalogs.network = catalogs.network && flags.hub;
  study::SweepSpec spec;
  if (!flags.spec.empty()) {
    note_input(flags.spec);
    spec = study::read_sweep_spec(read_text(flags.spec), flags.spec);
  }
  Job job;
  job.grid = make_grid(flags, spec, catalogs, log);
  read_columns(flags, spec, job);
  read_rows(flags, job);
  log.detail(fmt::format("grid: {} points, this part {}", *job.grid.size(),
                         job.rows.last - job.rows.first));
  read_threads(flags, job);

  const study::Resolver resolver = make_resolver(catalogs, flags.reserve, flags.cluster_reserve);
  const report::RowWriter writer(job.format, job.columns, job.grid, style);
  refuse_input(flags.common.output);
  OutputStream out(flags.common.output);
  const Interrupts interrupts;
  Sink sink(job, writer, out, flags.common);
  std::int64_t next = sink.open() ? job.rows.first : job.rows.last;
  const auto source = [&]() -> std::optional<study::Rows> {
    if (next >= job.rows.last || interrupted) {
      return std::nullopt;
    }
    const study::Rows chunk{next, std::min(next + chunk_rows, job.rows.last)};
    next = chunk.last;
    return chunk;
  };
  study::in_order(
      job.threads, source, [&] { return Worker(job, resolver, writer); },
      [&](Done&& done) { return sink.take(std::move(done)); });
  if (interrupted) {
    log.warn("interrupted");
    return 130;
  }
  sink.finish(command_line(app));
  out.commit();
  return 0;
}

}  // namespace

Action add_sweep(CLI::App& app) {
  auto flags = std::make_shared<SweepFlags>();
  flags->common.format = "csv";
  const auto axis = [&](study::Axis which, const char* names, const char* about, const char* type) {
    const auto i = static_cast<std::size_t>(which);
    flags->options[i] = app.add_option(names, flags->axes[i], about)->type_name(type);
  };
  using study::Axis;
  axis(Axis::model, "--model,-m", "Models, sizes, files; qwen3* for all of the catalog's such",
       "NAME,…");
  axis(Axis::quant, "--quant", "Weight formats: default,q8", "NAME,…");
  axis(Axis::nodes, "--nodes,-n", "Clusters: 2x128,4x64,1x128+2x64", "SPEC,…");
  axis(Axis::macos, "--macos", "macOS versions", "VERSION,…");
  axis(Axis::wired_limit, "--wired-limit", "GPU limits as you set them: default,120GiB", "SIZE,…");
  axis(Axis::link, "--link", "Links: tb5-tcp,tb5-rdma", "NAME,…");
  axis(Axis::kv, "--kv", "Cache formats: bf16,q8", "NAME,…");
  axis(Axis::runtime, "--runtime,-r", "mlx-lm, exo, llama.cpp, or all for the best of them",
       "NAME,…");
  axis(Axis::split, "--split", "auto, independent, pipeline, tensor", "NAME,…");
  axis(Axis::prefill_step, "--prefill-step", "Prompt tokens a pass: 512..2048*2", "N,…");
  axis(Axis::sequences, "--sequences", "Sequences at a time per replica: 1..8", "N,…");
  axis(Axis::context, "--context,-c", "Tokens per sequence: 4k,32k or 8k..256k*2", "TOKENS,…");
  app.add_option("--reserve", flags->reserve,
                 "Memory kept free for each machine's user: 8GiB (default 0)")
      ->type_name("SIZE");
  app.add_option("--cluster-reserve", flags->cluster_reserve,
                 "Kept free on each node of a sharded model (default 10%)")
      ->type_name("SHARE");
  app.add_option("--spec", flags->spec, "Axes from a macfit.sweep/1 file; flags go before it")
      ->type_name("FILE");
  app.add_option("--where", flags->where,
                 "Only rows for which this holds: 'tier>=borderline and context>=32k'")
      ->type_name("CONDITION");
  app.add_option("--select", flags->select,
                 "These columns in this order; +a,b: the usual ones and these")
      ->type_name("COLUMN,…");
  app.add_option("--pareto", flags->pareto,
                 "Only rows that fit and that none beats in all of these columns")
      ->type_name("COLUMN,…");
  app.add_option("--part", flags->part,
                 "A contiguous part: 3/16; put together in order they are the whole")
      ->type_name("N/OF");
  app.add_option("--threads", flags->threads, "Default: all cores; the rows are the same")
      ->type_name("N");
  app.add_flag("--hub", flags->hub, "Models may be looked up on a hub");
  app.add_flag("--yes", flags->yes, "Also a grid of more than 1,000,000,000 points");
  app.add_flag("--columns", flags->list_columns, "List the columns and end");
  add_common(app, flags->common, sweep_formats);
  app.footer(sweep_footer);
  return [flags, &app] { return sweep_command(*flags, app); };
}

}  // namespace macfit::cli
