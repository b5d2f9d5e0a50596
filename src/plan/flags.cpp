// Flags into values: what the command line, a batch and the page do alike.

#include "macfit/plan/flags.hpp"

#include <algorithm>

#include "macfit/core/embedded.hpp"
#include "macfit/core/text.hpp"
#include "macfit/runtime/names.hpp"

namespace macfit::plan {
namespace {

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

std::optional<SplitKind> parse_split(const std::string& name) {
  if (same_name(name, "auto")) {
    return std::nullopt;
  }
  for (const SplitKind split : {SplitKind::independent, SplitKind::pipeline, SplitKind::tensor}) {
    if (same_name(name, split_name(split))) {
      return split;
    }
  }
  throw unknown_name("split", name, {"auto", "independent", "pipeline", "tensor"}, {},
                     "known are auto, independent, pipeline and tensor");
}

}  // namespace

Catalogs embedded_catalogs() {
  return {hardware::Catalog::embedded(), model::Catalog::embedded(),
          "embedded " + std::string(embedded::version)};
}

hardware::ClusterOptions cluster_options(const ClusterFlags& flags,
                                         const hardware::Catalog& catalog) {
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
    in_flag("--link", [&] { (void)catalog.link(*options.link); });
  }
  return options;
}

std::optional<model::Recipe> recipe_of_flag(const std::string& quant) {
  if (quant.empty()) {
    return std::nullopt;
  }
  return parse_flag("--quant", quant, model::parse_recipe);
}

hardware::Cluster spec_cluster(const ClusterFlags& flags, const hardware::Catalog& catalog,
                               const char* flag) {
  const hardware::ClusterOptions options = cluster_options(flags, catalog);
  try {
    return hardware::parse_cluster(flags.nodes, options, catalog);
  } catch (const Error& error) {
    // The grammar calls what it reads nodes; the flag says the same.
    constexpr std::string_view begin = "nodes \"";
    const bool same = error.message().rfind(begin, 0) == 0;
    throw Error(flag + (same ? error.message().substr(begin.size() - 2) : ": " + error.message()),
                error.place(), error.hint());
  }
}

std::vector<Alternative> alternatives_to(const hardware::Cluster& cluster,
                                         const ClusterFlags& flags,
                                         const hardware::Catalog& catalog) {
  std::vector<Alternative> result;
  if (!cluster.name.empty() || cluster.nodes.empty()) {
    return result;
  }
  const hardware::ClusterOptions options = cluster_options(flags, catalog);
  const auto add = [&](const std::string& kind, const std::string& spec, const std::string& label) {
    try {
      result.push_back({kind, spec, hardware::parse_cluster(spec, options, catalog), label});
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
  for (const hardware::Machine& machine : catalog.machines()) {
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

std::vector<const runtime::Runtime*> runtimes_of(const RequestFlags& flags,
                                                 const Catalogs& catalogs) {
  return parse_flag("--runtime", flags.runtime.empty() ? "all" : flags.runtime,
                    [&](const std::string& name) {
                      return catalogs.runtimes.parse(runtime::read_runtime(name).name);
                    });
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
    question.terms.goal = parse_flag("--goal", flags.goal, parse_goal);
  }
  if (!flags.replicas.empty()) {
    question.terms.replicas = static_cast<std::size_t>(parse_whole(
        flags.replicas, "--replicas", 1, static_cast<std::int64_t>(hardware::max_nodes)));
  }
  return question;
}

Finder catalog_finder(const Catalogs& catalogs) {
  return {[&catalogs](const std::string& name, const std::string& quant) {
            return model::find_model(name, catalogs.models, recipe_of_flag(quant));
          },
          [&catalogs](const ClusterFlags& flags) {
            Place place{spec_cluster(flags, catalogs.hardware), {}};
            place.alternatives = alternatives_to(place.cluster, flags, catalogs.hardware);
            return place;
          }};
}

Request make_request(const RequestFlags& flags, const Catalogs& catalogs, const Finder& finder) {
  Request request;
  model::NamedModel named = finder.model(flags.model, flags.quant);
  request.model = std::move(named.model);
  request.recipe = std::move(named.recipe);
  Place place = finder.place(flags.cluster);
  request.cluster = std::move(place.cluster);
  request.alternatives = std::move(place.alternatives);
  request.catalog_version = catalogs.version;
  request.calibration = catalogs.calibration;
  const Question question = question_of(flags);
  request.workload = question.workload;
  request.only = question.terms.only;
  request.goal = question.terms.goal;
  request.replicas = question.terms.replicas;
  request.known_runtimes = catalogs.runtimes;
  request.runtimes = runtimes_of(flags, catalogs);
  if (std::string note = runtime::read_runtime(flags.runtime).note; !note.empty()) {
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
  request.beside = neighbors_of(flags, finder);
  settle(request);
  request.flags = given_flags(flags, catalogs.folder);
  return request;
}

std::vector<std::pair<std::string, std::string>> given_flags(const RequestFlags& flags,
                                                             const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> given;
  const auto add = [&](std::string flag, const std::string& value) {
    if (!value.empty()) {
      given.emplace_back(std::move(flag), value);
    }
  };
  RequestFlags values = flags;
  for (const FlagKey& key : flag_keys) {
    add("--" + std::string(key.name), key.field(values));
  }
  add("--catalog", folder);
  for (const std::string& neighbor : flags.beside) {
    given.emplace_back("--beside", neighbor);
  }
  return given;
}

}  // namespace macfit::plan
