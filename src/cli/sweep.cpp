#include "macfit/study/sweep.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "asking.hpp"
#include "command_line.hpp"
#include "commands.hpp"
#include "files.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/glob.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/report/sweep/sweep_report.hpp"
#include "macfit/study/in_order.hpp"
#include "progress.hpp"

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
};

constexpr const char* footer = R"(
Values: 4k,32k,128k is a list, 8k..256k*2 doubles, 1..64+8 adds, 1..8 counts; ends included.
Rows come in the order of the axes above, --context turning fastest, whatever --threads says.

Examples:
  macfit sweep --model glm-4.5,minimax-m2.5 --nodes 2x128,4x64 --context 8k..128k*2
  macfit sweep --model 'qwen3*' --nodes 2x128 --where 'tier>=borderline' --select model,tier,context
  macfit sweep --model glm-4.5 --nodes 2x128 --context 1k..128k+1k --pareto context,sequences \
      --sequences 1..16
  parallel -k macfit sweep --spec grid.json --part {}/8 ::: 1 2 3 4 5 6 7 8 >grid.csv
  macfit sweep --columns        The columns, for --select, --where and --pareto
)";

const std::vector<std::string> formats = {"csv", "jsonl", "markdown", "text", "html"};
constexpr std::int64_t most_rows = 1'000'000'000;  ///< without --yes
constexpr std::int64_t chunk_rows = 1024;

std::atomic<bool> interrupted = false;

/// Ctrl-C ends a sweep after whole rows; a second one ends it at once.
class Interrupts {
 public:
  Interrupts() {
    interrupted = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = true; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGINT, &action, &old_interrupt_);
    ::sigaction(SIGTERM, &action, &old_terminate_);
  }
  ~Interrupts() {
    ::sigaction(SIGINT, &old_interrupt_, nullptr);
    ::sigaction(SIGTERM, &old_terminate_, nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  struct sigaction old_interrupt_ {};
  struct sigaction old_terminate_ {};
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
  study::Grid grid;
  std::array<bool, study::axis_count> given{};
  const auto set = [&](study::Axis axis, std::vector<std::string> values,
                       const std::string& source) {
    std::vector<std::string> repeated;
    try {
      if (axis == study::Axis::model) {
        values = models_of(values, catalogs);
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
    throw Error(
        fmt::format("--part: found \"{}\", expected a part of so many: 3/16", printable(text)));
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

template <class Make>
auto named(const char* flag, const Make& make) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(std::string(flag) + ": " + error.message(), error.place(), error.hint());
  }
}

/// Flags before the file that --spec names.
study::Where where_of(const SweepFlags& flags, const study::SweepSpec& spec) {
  std::string conditions = flags.where.empty() ? spec.where : std::string();
  for (const std::string& one : flags.where) {
    conditions += (conditions.empty() ? "" : ",") + one;
  }
  return named("--where", [&] { return study::Where::parse(conditions); });
}

/// The rows of the grid to go through. Throws Error where there are more than is sensible.
study::Rows rows_of(const SweepFlags& flags, const study::Grid& grid, bool page) {
  const std::optional<std::int64_t> size = grid.size();
  if (!size) {
    throw Error("the grid has 2^63 points or more");
  }
  if (*size > most_rows && !flags.yes) {
    throw Error(fmt::format("the grid has {} points, more than {}", format_whole(*size),
                            format_whole(most_rows)),
                {}, "say --yes if that is meant");
  }
  const auto [part, parts] =
      flags.part.empty() ? std::pair<std::int64_t, std::int64_t>(1, 1) : parse_part(flags.part);
  if (page && *size > report::most_page_rows) {
    throw Error(fmt::format("the grid has {} points, more than the {} that a page holds",
                            format_whole(*size), format_whole(report::most_page_rows)),
                {}, "fewer values, or --format csv");
  }
  return study::part_of(*size, part, parts);
}

std::size_t threads_of(const SweepFlags& flags, const study::Rows& rows) {
  std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  if (!flags.threads.empty()) {
    threads = static_cast<std::size_t>(parse_whole(flags.threads, "--threads", 1, 256));
  }
  return static_cast<std::size_t>(
      std::clamp<std::int64_t>((rows.last - rows.first + chunk_rows - 1) / chunk_rows, 1,
                               static_cast<std::int64_t>(threads)));
}

/// What is asked of the rows, however they are written.
struct Question {
  study::Where where;
  std::string pareto;  ///< columns; empty: no front is wanted
  std::vector<std::size_t> columns;
  bool page = false;  ///< one HTML page, written at the end

  [[nodiscard]] study::Needs needs() const {
    study::Needs needs;
    where.add_needs(needs);
    if (!pareto.empty()) {
      study::Front(pareto).add_needs(needs);
    }
    for (const std::size_t column : columns) {
      study::add_need(column, needs);
    }
    return needs;
  }
};

/// One run over the rows: workers evaluate chunks, one thread takes them in order and writes.
class SweepRun {
 public:
  SweepRun(const study::Grid& grid, const study::Rows& rows, const Question& question,
           const report::RowWriter& writer, OutputStream& out, Progress& progress)
      : grid_(grid),
        rows_(rows),
        question_(question),
        writer_(writer),
        out_(out),
        progress_(progress) {
    if (!question.pareto.empty()) {
      front_.emplace(question.pareto);
    }
    if (rows.first == 0 && !question.page) {
      open_ = out.write(writer.header());
    }
  }

  void run(std::size_t threads, const study::Resolver& resolver) {
    std::int64_t next = open_ ? rows_.first : rows_.last;
    const auto source = [&]() -> std::optional<study::Rows> {
      if (next >= rows_.last || interrupted) {
        return std::nullopt;
      }
      const study::Rows chunk{next, std::min(next + chunk_rows, rows_.last)};
      next = chunk.last;
      return chunk;
    };
    const auto make_worker = [&] {
      return [this, evaluator = study::Evaluator(grid_, resolver, question_.needs()),
              row = study::SweepRow{}](study::Rows&& chunk) mutable {
        return evaluate(evaluator, row, chunk);
      };
    };
    study::in_order(threads, source, make_worker,
                    [&](Done&& done) { return take(std::move(done)); });
  }

  /// What could not be written row by row.
  void finish(std::size_t figure, const std::string& command) {
    if (question_.page && open_) {
      open_ =
          out_.write(report::sweep_html(grid_, front_ ? front_->take() : kept_, figure, command));
    } else if (front_ && open_) {
      std::string text;
      for (const study::SweepRow& row : front_->take()) {
        writer_.write(text, row);
      }
      open_ = out_.write(text);
    }
  }

 private:
  Done evaluate(study::Evaluator& evaluator, study::SweepRow& row, const study::Rows& chunk) const {
    Done done;
    std::optional<study::Front> front;
    if (front_) {
      front.emplace(question_.pareto);
    }
    study::Point point = grid_.point(chunk.first);
    for (std::int64_t index = chunk.first; index < chunk.last; ++index, grid_.advance(point)) {
      row.index = index;
      evaluator.evaluate(point, row);
      if (!question_.where.keeps(row)) {
        continue;
      }
      if (front) {
        front->add(row);
      } else if (question_.page) {
        done.rows.push_back(row);
      } else {
        writer_.write(done.text, row);
      }
    }
    if (front) {
      done.rows = front->take();
    }
    done.last = chunk.last;
    return done;
  }

  /// False where nobody wants more.
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
      const std::int64_t count = done.last - rows_.first;
      const std::int64_t all = rows_.last - rows_.first;
      progress_.say(fmt::format(
          "sweep: {:.1f} %, {} of {} rows, {} a second",
          100.0 * static_cast<double>(count) / static_cast<double>(all), format_whole(count),
          format_whole(all),
          format_whole(std::llround(static_cast<double>(count) / progress_.seconds()))));
    }
    return open_ && !interrupted;
  }

  const study::Grid& grid_;
  const study::Rows rows_;
  const Question& question_;
  const report::RowWriter& writer_;
  OutputStream& out_;
  Progress& progress_;
  std::optional<study::Front> front_;
  std::vector<study::SweepRow> kept_;  // for a page
  bool open_ = true;                   // false once the reader of a pipe has gone
};

int sweep_command(const SweepFlags& flags, const CLI::App& app) {
  check_format(flags.common, formats);
  const report::Style style = style_for(flags.common);
  if (flags.list_columns) {
    deliver(flags.common, columns_text(style));
    return 0;
  }
  const Log log(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  study::SweepSpec spec;
  if (!flags.spec.empty()) {
    spec = study::read_sweep_spec(read_text(flags.spec), flags.spec);
  }
  const study::Grid grid = make_grid(flags, spec, catalogs, log);

  Question question;
  question.where = where_of(flags, spec);
  question.page = flags.common.format == "html";
  question.pareto = flags.pareto.empty() ? spec.pareto : flags.pareto;
  const report::RowFormat format =
      question.page ? report::RowFormat::text : report::parse_row_format(flags.common.format);
  const std::string selected = flags.select.empty() ? spec.select : flags.select;
  question.columns = selected.empty() && format == report::RowFormat::text
                         ? report::brief_columns(grid)
                         : named("--select", [&] { return study::select_columns(selected); });
  if (!question.pareto.empty()) {
    named("--pareto", [&] { return study::Front(question.pareto); });
  }
  const study::Rows rows = rows_of(flags, grid, question.page);
  log.detail(fmt::format("grid: {} points, this part {}", grid.size().value_or(0),
                         rows.last - rows.first));
  const std::size_t threads = threads_of(flags, rows);

  const study::Resolver resolver = make_resolver(catalogs, flags.reserve, flags.cluster_reserve);
  const report::RowWriter writer(format, question.columns, grid, style);
  OutputStream out(flags.common.output);
  const Interrupts interrupts;
  Progress progress(flags.common, !question.page && question.pareto.empty());
  SweepRun run(grid, rows, question, writer, out, progress);
  run.run(threads, resolver);
  if (interrupted) {
    log.warn("interrupted");
    return 130;
  }
  run.finish(selected.empty() ? study::find_column("utilization") : figure_of(question.columns),
             command_line(app));
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
                 "Kept for the person at each machine: 8GiB (default 0)")
      ->type_name("SIZE");
  app.add_option("--cluster-reserve", flags->cluster_reserve,
                 "Kept free on each node of a sharded model (default 10%)")
      ->type_name("SHARE");
  app.add_option("--spec", flags->spec, "Axes from a macfit.sweep/1 file; flags go before it")
      ->type_name("FILE");
  app.add_option("--where", flags->where,
                 "Only rows for which this holds: 'tier>=borderline and context>=32k'")
      ->type_name("CONDITION");
  app.add_option("--select", flags->select, "These columns in this order")->type_name("COLUMN,…");
  app.add_option("--pareto", flags->pareto,
                 "Only rows that fit and that none beats in all of these columns")
      ->type_name("COLUMN,…");
  app.add_option("--part", flags->part,
                 "A contiguous part: 3/16; put together in order they are the whole")
      ->type_name("N/OF");
  app.add_option("--threads", flags->threads, "Default: all cores; the rows are the same")
      ->type_name("N");
  app.add_flag("--yes", flags->yes, "Also a grid of more than 1,000,000,000 points");
  app.add_flag("--columns", flags->list_columns, "List the columns and end");
  add_common(app, flags->common, formats);
  app.footer(footer);
  return [flags, &app] { return sweep_command(*flags, app); };
}

}  // namespace macfit::cli
