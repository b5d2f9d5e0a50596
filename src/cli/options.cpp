#include "options.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sys/ioctl.h>
#include <unistd.h>

#include "detect.hpp"
#include "files.hpp"
#include "folders.hpp"
#include "hub_models.hpp"
#include "macfit/core/embedded.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/read/read_model.hpp"
#include "paths.hpp"
#include "requests.hpp"
#include "runtime_names.hpp"
#include "standing.hpp"

namespace macfit::cli {
namespace {

bool utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = lower(environment(name));
    if (!value.empty()) {
      return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
  }
  return false;
}

std::size_t terminal_width(bool terminal) {
  constexpr std::size_t unknown = 100;
  if (const std::string stated = environment("COLUMNS"); !stated.empty()) {
    const int columns = std::atoi(stated.c_str());
    if (columns >= 20 && columns <= 1000) {
      return static_cast<std::size_t>(columns);
    }
  }
  winsize size{};
  if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    return size.ws_col;
  }
  return unknown;
}

template <class Parse>
auto parse_flag(const char* flag, const std::string& text, const Parse& parse) {
  return in_flag(flag, [&] { return parse(text); });
}

/// "120" would be so many bytes, which nobody means.
Bytes parse_stated_size(const std::string& text) {
  const Bytes size = parse_bytes(text);
  if (size.count() > 0 && size.count() < mib) {
    throw Error("expected a size with its unit, such as 8GiB, found \"" + printable(text, 60) +
                "\"");
  }
  return size;
}

/// A bare number is iogpu.wired_limit_mb's own: megabytes of 2^20 bytes.
Bytes parse_wired_limit(const std::string& text) {
  constexpr std::int64_t least = 1024;       // fewer are gigabytes without their unit
  constexpr std::int64_t most = 16'777'216;  // 16 TiB
  const std::string_view number = trim(text);
  const bool plain = !number.empty() && number.size() <= 8 &&
                     number.find_first_not_of("0123456789") == std::string_view::npos;
  const std::int64_t megabytes = plain ? std::stoll(std::string(number)) : 0;
  if (megabytes >= least && megabytes <= most) {
    return Bytes(megabytes * mib);
  }
  if (megabytes > 0) {
    throw Error("expected a size with its unit, such as " + std::to_string(megabytes) +
                "GiB, or megabytes as iogpu.wired_limit_mb takes them, found \"" +
                printable(text, 60) + "\"");
  }
  return parse_stated_size(text);
}

hardware::ClusterOptions cluster_options(const ClusterFlags& flags) {
  hardware::ClusterOptions options;
  if (!flags.macos.empty()) {
    options.macos = parse_flag("--macos", flags.macos, hardware::parse_macos);
  }
  if (!flags.wired_limit.empty()) {
    options.wired_limit = parse_flag("--wired-limit", flags.wired_limit, parse_wired_limit);
  }
  if (!flags.reserve.empty()) {
    options.reserve = parse_flag("--reserve", flags.reserve, parse_stated_size);
  }
  if (!flags.cluster_reserve.empty()) {
    options.cluster_reserve =
        parse_flag("--cluster-reserve", flags.cluster_reserve, parse_fraction);
  }
  if (!flags.link.empty()) {
    options.link = flags.link;
  }
  return options;
}

std::optional<plan::SplitKind> parse_split(const std::string& name) {
  if (same_name(name, "auto")) {
    return std::nullopt;
  }
  for (const plan::SplitKind split :
       {plan::SplitKind::independent, plan::SplitKind::pipeline, plan::SplitKind::tensor}) {
    if (same_name(name, plan::split_name(split))) {
      return split;
    }
  }
  throw unknown_name("split", name, {"auto", "independent", "pipeline", "tensor"}, {},
                     "known are auto, independent, pipeline and tensor");
}

/// Clusters worth trying where this one is not enough: one more of the last machine, or several,
/// then single bigger machines, cheapest first.
std::vector<plan::Alternative> alternatives(const hardware::Cluster& cluster,
                                            const ClusterFlags& flags, const Catalogs& catalogs) {
  std::vector<plan::Alternative> result;
  if (!cluster.name.empty() || cluster.nodes.empty()) {
    return result;
  }
  const hardware::ClusterOptions options = cluster_options(flags);
  const auto add = [&](const std::string& kind, const std::string& spec, const std::string& label) {
    try {
      result.push_back(
          {kind, spec, hardware::parse_cluster(spec, options, catalogs.hardware), label});
    } catch (const Error&) {
      // A flag that fits this cluster (a link, a limit) need not fit the other.
    }
  };
  const hardware::Node& last = cluster.nodes.back();
  if (!last.machine.empty() && cluster.nodes.size() < hardware::max_nodes) {
    add("one-more-node", cluster.spec + "+" + last.machine, "one more " + last.machine);
  }
  constexpr std::size_t most_more = 7;
  for (std::size_t more = 2; !last.machine.empty() && more <= most_more &&
                             cluster.nodes.size() + more <= hardware::max_nodes;
       ++more) {
    const std::string machines = std::to_string(more) + "x" + last.machine;
    add("more-nodes", cluster.spec + "+" + machines,
        std::to_string(more) + " more " + last.machine);
  }
  Bytes largest{};
  for (const hardware::Node& node : cluster.nodes) {
    largest = std::max(largest, node.ram);
  }
  std::vector<const hardware::Machine*> bigger;
  for (const hardware::Machine& machine : catalogs.hardware.machines()) {
    if (machine.mac && machine.ram > largest && machine.price &&
        machine.status != hardware::MachineStatus::previous) {
      bigger.push_back(&machine);
    }
  }
  std::stable_sort(bigger.begin(), bigger.end(),
                   [](const auto* a, const auto* b) { return a->price->usd < b->price->usd; });
  for (const hardware::Machine* machine : bigger) {
    add("bigger-machine", machine->id,
        "a single " + machine->id + " ($" +
            format_whole(static_cast<std::int64_t>(machine->price->usd)) + ")");
  }
  return result;
}

}  // namespace

void add_common(CLI::App& app, Common& common, const std::vector<std::string>& formats) {
  std::string names;
  for (const std::string& format : formats) {
    names += (names.empty() ? "" : "|") + format;
  }
  app.add_option("--format", common.format, "Output format")->type_name(names);
  app.add_option("--output,-o", common.output, "Write to FILE atomically")->type_name("FILE");
  app.add_option("--catalog", common.catalog,
                 "Folder with models/, hardware/ or runtimes/ in place of the built-in catalogs")
      ->type_name("DIR");
  app.add_option("--color", common.color, "When to use color")->type_name("auto|always|never");
  app.add_flag("--quiet,-q", common.quiet, "Print only errors to standard error");
  app.add_flag("--offline", common.offline, "Ask no hub: only the catalog and what is here");
  app.add_flag("--verbose,-v", common.verbose, "Log progress to standard error");
}

void add_cluster(CLI::App& app, ClusterFlags& flags, NodesLeftOut left_out) {
  app.add_option(
         "--nodes,-n", flags.nodes,
         "The Macs, at most 64: 2x128, 1x128+2x64, m4-max-128+m4-pro-64, this, or a cluster file")
      ->type_name("SPEC|FILE");
  if (left_out != NodesLeftOut::asked) {
    app.parse_complete_callback([&flags, left_out] {
      if (flags.nodes.empty()) {
        flags.nodes = standing_nodes().nodes;
      }
      if (flags.nodes.empty() && left_out == NodesLeftOut::standing) {
        throw CLI::RequiredError("--nodes");
      }
    });
  }
  app.add_option("--macos", flags.macos, "macOS version, 15, 26 or 26.2 (default 26)")
      ->type_name("VERSION");
  app.add_option("--wired-limit", flags.wired_limit,
                 "iogpu.wired_limit_mb as you set it, for every node: 120GiB or 122880")
      ->type_name("SIZE");
  app.add_option("--reserve", flags.reserve,
                 "Memory kept free for each machine's user: 8GiB (default 0)")
      ->type_name("SIZE");
  app.add_option("--cluster-reserve", flags.cluster_reserve,
                 "Kept free on each node of a sharded model (default 10%)")
      ->type_name("SHARE");
  app.add_option("--link", flags.link, "Between the machines (default: the best they have, by TCP)")
      ->type_name("tb5-tcp|tb5-rdma|tb4|10gbe|1gbe|wifi");
}

void add_workload(CLI::App& app, RequestFlags& flags) {
  app.add_option("--context,-c", flags.context,
                 "Prompt plus output per sequence, in tokens: 32k (default 8k)")
      ->type_name("TOKENS");
  app.add_option("--sequences", flags.sequences, "Sequences at a time per replica (default 1)")
      ->type_name("N");
  app.add_option("--kv", flags.kv, "Cache format: bf16, q8 or q4, or as KEYS,VALUES (default bf16)")
      ->type_name("bf16|q8|q4");
  app.add_option("--runtime,-r", flags.runtime, "Only this runtime (default all)")
      ->type_name("mlx-lm|exo|llama.cpp|all");
  app.add_option("--split", flags.split, "Only this split (default auto)")
      ->type_name("auto|independent|pipeline|tensor");
  app.add_option("--goal", flags.goal,
                 "jobs: the most answers at once (default); answer: the fastest single answer")
      ->type_name("jobs|answer");
  app.add_option("--replicas", flags.replicas, "Exactly so many replicas (default: what is best)")
      ->type_name("N");
  app.add_option("--beside", flags.beside,
                 "A model that lives there already; may be given again (context=, sequences=, kv=, "
                 "quant=, node=)")
      ->type_name("MODEL[,KEY=VALUE…]")
      ->type_size(1)
      ->allow_extra_args(false);
  app.add_option("--prefill-step", flags.prefill_step,
                 "Prompt tokens per forward pass (default 2048)")
      ->type_name("N");
}

void add_request(CLI::App& app, RequestFlags& flags, NodesLeftOut left_out) {
  app.add_option(
         "--model,-m", flags.model,
         "A model of the catalog, a size such as 230b-q4 or 215gb, a hub's org/repo, or a path "
         "(./folder, x.gguf)")
      ->type_name("NAME|PATH|SIZE")
      ->required();
  app.add_option("--quant", flags.quant, "Weight format: q4, mlx-8bit-g64, bf16, mixed_4_6 …")
      ->type_name("NAME");
  add_cluster(app, flags.cluster, left_out);
  add_workload(app, flags);
  app.add_option("--layers", flags.layers, "A pipeline's layers per node: 31,31")
      ->type_name("N,N…");
}

namespace {

Catalogs read_catalogs(const Common& common) {
  const std::string built_in = "embedded " + std::string(embedded::version);
  if (common.catalog.empty()) {
    return {hardware::Catalog::embedded(), model::Catalog::embedded(), built_in};
  }
  std::error_code ignored;
  const std::filesystem::path root = expand_home(common.catalog);
  const bool has_models = std::filesystem::is_directory(root / "models", ignored);
  const bool has_hardware = std::filesystem::is_directory(root / "hardware", ignored);
  if (!std::filesystem::is_directory(root, ignored)) {
    throw Error("there is no such folder", Place{common.catalog, {}, {}});
  }
  const bool has_runtimes = std::filesystem::is_directory(root / "runtimes", ignored);
  if (!has_models && !has_hardware && !has_runtimes) {
    throw Error("there is no models/, hardware/ or runtimes/ in it", Place{common.catalog, {}, {}},
                "--catalog wants a folder laid out like macfit's own");
  }
  Catalogs catalogs{hardware::Catalog::embedded(), model::Catalog::embedded(), common.catalog};
  catalogs.folder = common.catalog;
  if (has_hardware) {
    std::vector<hardware::CatalogText> texts;
    for (auto& [name, text] : read_folder((root / "hardware").string())) {
      texts.push_back({(root / "hardware" / name).string(), std::move(text)});
    }
    catalogs.hardware = hardware::Catalog::from_texts(texts);
    const std::filesystem::path constants = root / "hardware" / "calibration.json";
    if (std::filesystem::exists(constants, ignored)) {
      catalogs.calibration = std::make_shared<const speed::Calibration>(
          speed::read_calibration(read_text(constants.string()), constants.string()));
    }
  }
  if (has_runtimes) {
    const std::string folder = (root / "runtimes").string();
    catalogs.runtimes = runtime::Catalog::from_texts(read_folder(folder), folder + "/");
  }
  if (has_models) {
    const std::string folder = (root / "models").string();
    catalogs.models = model::Catalog::from_texts(read_folder(folder), folder + "/");
  }
  return catalogs;
}

}  // namespace

Catalogs load_catalogs(const Common& common) {
  Catalogs catalogs = read_catalogs(common);
  catalogs.network = may_be_online(common.offline);
  return catalogs;
}

hardware::Cluster resolve_cluster(const ClusterFlags& flags, const Catalogs& catalogs,
                                  const char* flag) {
  const hardware::ClusterOptions options = cluster_options(flags);
  if (options.link) {
    in_flag("--link", [&] { (void)catalogs.hardware.link(*options.link); });
  }
  if (same_name(flags.nodes, "this")) {
    const hardware::Detection found =
        hardware::detected_cluster({this_mac()}, "this-mac", catalogs.hardware);
    return hardware::read_cluster_file(found.cluster_file, options, catalogs.hardware, "this Mac");
  }
  if (is_path(flags.nodes)) {
    note_input(flags.nodes);
    return hardware::read_cluster_file(read_text(flags.nodes), options, catalogs.hardware,
                                       flags.nodes);
  }
  try {
    return hardware::parse_cluster(flags.nodes, options, catalogs.hardware);
  } catch (const Error& error) {
    // The grammar calls what it reads nodes; the flag says the same.
    constexpr std::string_view begin = "nodes \"";
    const bool same = error.message().rfind(begin, 0) == 0;
    throw suggest_path(
        Error(flag + (same ? error.message().substr(begin.size() - 2) : ": " + error.message()),
              error.place(), error.hint()),
        flags.nodes);
  }
}

namespace {

/// Where that fails, what the catalog would have suggested still helps.
std::optional<model::Model> beyond_catalog(const std::string& name, bool network,
                                           const Error& unknown) {
  try {
    return model_beyond_catalog(name, network);
  } catch (const Error& error) {
    if (unknown.hint().rfind("did you mean", 0) != 0) {
      throw;
    }
    throw Error(error.message(), error.place(),
                error.hint() + (error.hint().empty() ? "" : "; in the catalog: ") + unknown.hint());
  }
}

/// The catalog goes before what lies here, and that before the hub.
model::NamedModel find_by_name(const std::string& name, const std::optional<model::Recipe>& asked,
                               const Catalogs& catalogs) {
  try {
    return model::find_model(name, catalogs.models, asked);
  } catch (const Error& unknown) {
    if (model::looks_nominal(name)) {
      throw;
    }
    std::optional<model::Model> found = beyond_catalog(name, catalogs.network, unknown);
    if (!found) {
      throw;
    }
    model::NamedModel named{std::move(*found), {}};
    named.recipe = model::recipe_of(named.model, asked);
    return named;
  }
}

}  // namespace

model::NamedModel resolve_model(const std::string& name, const std::string& quant,
                                const Catalogs& catalogs) {
  std::optional<model::Recipe> asked;
  if (!quant.empty()) {
    asked = parse_flag("--quant", quant, model::parse_recipe);
  }
  if (!is_path(name)) {
    refuse_name_and_path(name);
    try {
      return find_by_name(name, asked, catalogs);
    } catch (const Error& error) {
      throw suggest_path(error, name);
    }
  }
  note_input(name);
  model::NamedModel found{read::read_model(expand_home(name)), {}};
  found.recipe = model::recipe_of(found.model, asked);
  return found;
}

std::vector<const runtime::Runtime*> runtimes_of(const RequestFlags& flags,
                                                 const Catalogs& catalogs) {
  return parse_flag(
      "--runtime", flags.runtime.empty() ? "all" : flags.runtime,
      [&](const std::string& name) { return catalogs.runtimes.parse(read_runtime(name).name); });
}

Question question_of(const RequestFlags& flags) {
  Question question;
  if (!flags.context.empty()) {
    question.workload.context = parse_flag("--context", flags.context, parse_tokens);
  }
  constexpr std::int64_t most = 1'000'000;
  if (!flags.sequences.empty()) {
    question.workload.sequences = parse_whole(flags.sequences, "--sequences", 1, most);
  }
  if (!flags.prefill_step.empty()) {
    question.workload.prefill_step = parse_whole(flags.prefill_step, "--prefill-step", 1, most);
  }
  if (!flags.kv.empty()) {
    const std::vector<std::string_view> types = split(flags.kv, ',');
    const auto parse = [](const std::string& text) { return runtime::parse_kv_format(text); };
    if (types.size() > 2) {
      throw Error("--kv: one cache format, or the keys' and the values' joined by a comma");
    }
    question.workload.kv = parse_flag("--kv", std::string(types.front()), parse);
    if (types.size() == 2) {
      question.workload.kv_values = parse_flag("--kv", std::string(types.back()), parse);
    }
  }
  if (!flags.split.empty()) {
    question.terms.only = parse_flag("--split", flags.split, parse_split);
  }
  if (!flags.goal.empty()) {
    question.terms.goal = parse_flag("--goal", flags.goal, plan::parse_goal);
  }
  if (!flags.replicas.empty()) {
    question.terms.replicas = static_cast<std::size_t>(parse_whole(
        flags.replicas, "--replicas", 1, static_cast<std::int64_t>(hardware::max_nodes)));
  }
  return question;
}

plan::Request make_request(const RequestFlags& flags, const Catalogs& catalogs,
                           const char* nodes_flag, RequestCache* cache) {
  RequestCache own;
  RequestCache& known = cache != nullptr ? *cache : own;
  plan::Request request;
  const model::NamedModel& resolved =
      known.models.get(joined_name({flags.model, flags.quant}),
                       [&] { return resolve_model(flags.model, flags.quant, catalogs); });
  request.model = resolved.model;
  request.recipe = resolved.recipe;
  const ClusterFlags& where = flags.cluster;
  const RequestCache::Place& place = known.clusters.get(
      joined_name({where.nodes, where.macos, where.wired_limit, where.reserve,
                   where.cluster_reserve, where.link}),
      [&] {
        RequestCache::Place made{resolve_cluster(where, catalogs, nodes_flag), {}};
        made.alternatives = alternatives(made.cluster, where, catalogs);
        return made;
      });
  request.cluster = place.cluster;
  request.alternatives = place.alternatives;
  request.catalog_version = catalogs.version;
  request.calibration = catalogs.calibration;
  const Question question = question_of(flags);
  request.workload = question.workload;
  request.only = question.terms.only;
  request.goal = question.terms.goal;
  request.replicas = question.terms.replicas;
  request.known_runtimes = catalogs.runtimes;
  request.runtimes = runtimes_of(flags, catalogs);
  if (std::string note = read_runtime(flags.runtime).note; !note.empty()) {
    request.model.notes.push_back(std::move(note));
  }
  if (!flags.layers.empty()) {
    for (const std::string_view part : split(flags.layers, ',')) {
      request.layers.push_back(parse_whole(part, "--layers", 1, 100'000));
    }
  }
  if (request.model.nominal) {
    for (const std::string& id : request.model.nominal->nearest) {
      if (auto near = catalogs.models.find(id)) {
        request.nearest.push_back(std::move(*near));
      }
    }
  }
  request.beside = neighbors_of(flags, catalogs);
  plan::settle(request);
  request.flags = given_flags(flags, catalogs);
  return request;
}

std::vector<std::pair<std::string, std::string>> given_flags(const RequestFlags& flags,
                                                             const Catalogs& catalogs) {
  const std::pair<const char*, const std::string*> known[] = {
      {"--model", &flags.model},
      {"--quant", &flags.quant},
      {"--nodes", &flags.cluster.nodes},
      {"--context", &flags.context},
      {"--sequences", &flags.sequences},
      {"--kv", &flags.kv},
      {"--runtime", &flags.runtime},
      {"--split", &flags.split},
      {"--goal", &flags.goal},
      {"--replicas", &flags.replicas},
      {"--layers", &flags.layers},
      {"--link", &flags.cluster.link},
      {"--macos", &flags.cluster.macos},
      {"--wired-limit", &flags.cluster.wired_limit},
      {"--reserve", &flags.cluster.reserve},
      {"--cluster-reserve", &flags.cluster.cluster_reserve},
      {"--prefill-step", &flags.prefill_step},
      {"--catalog", &catalogs.folder}};
  std::vector<std::pair<std::string, std::string>> given;
  for (const auto& [flag, value] : known) {
    if (!value->empty()) {
      given.emplace_back(flag, *value);
    }
  }
  for (const std::string& neighbor : flags.beside) {
    given.emplace_back("--beside", neighbor);
  }
  return given;
}

report::Style style_for(const Common& common) {
  const bool terminal = common.output.empty() && ::isatty(STDOUT_FILENO) == 1;
  report::Style style;
  style.width = terminal_width(terminal);
  style.unicode = utf8_locale();
  if (same_name(common.color, "always")) {
    style.color = true;
  } else if (same_name(common.color, "auto")) {
    style.color = terminal && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  } else if (!same_name(common.color, "never")) {
    throw unknown_name("value of --color", common.color, {"auto", "always", "never"}, {},
                       "known are auto, always and never");
  }
  return style;
}

void deliver(const Common& common, const std::string& text) {
  if (common.output.empty() || common.output == "-") {
    write_out(text);
  } else {
    refuse_input(common.output);
    write_file(common.output, text);
  }
}

void check_format(const Common& common, const std::vector<std::string>& formats) {
  if (std::find(formats.begin(), formats.end(), common.format) == formats.end()) {
    throw unknown_name("value of --format", common.format, formats, {},
                       "known are " + join_words(formats));
  }
}

}  // namespace macfit::cli
