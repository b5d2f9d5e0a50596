#include "macfit/study/size.hpp"

#include <algorithm>
#include <memory>

#include "commands.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/size/size_formats.hpp"
#include "requests.hpp"

namespace macfit::cli {
namespace {

struct SizeFlags {
  Common common;
  RequestFlags request;
  std::string tier = "comfortable";
  std::string top = "10";
  std::string most_nodes = "4";
};

constexpr const char* size_footer = R"(
Leave out what you want to find:
  macfit size --model glm-4.5 --nodes 2x128
      The longest context, by placement and cache format.
  macfit size --nodes 2x128 --quant q4 --context 32k
      The largest model, by tier: of any size, and of the catalog.
  macfit size --model glm-4.5 --quant q4 --context 64k --tier comfortable
      The clusters of the catalog that do it, cheapest first.
)";

const std::vector<std::string> size_formats = report::format_names(report::size_formats);

template <class Value>
void keep_top(std::vector<Value>& values, std::size_t top, report::SizeAnswer& answer) {
  if (values.size() > top) {
    answer.left_out = values.size() - top;
    values.resize(top);
  }
}

void find_contexts(const SizeFlags& flags, const Catalogs& catalogs, report::SizeAnswer& answer) {
  const plan::Request request = make_request(flags.request, catalogs);
  answer.kind = report::SizeAnswer::Kind::contexts;
  answer.model = request.model.id;
  answer.format = request.recipe.name;
  answer.cluster = request.cluster.spec;
  std::vector<runtime::KvFormat> kv = {request.workload.kv};
  if (flags.request.kv.empty()) {
    kv = {runtime::KvFormat::bf16, runtime::KvFormat::q8, runtime::KvFormat::q4};
  }
  answer.contexts = study::longest_contexts(request, kv);
}

void find_models(const SizeFlags& flags, const Catalogs& catalogs, std::size_t top,
                 report::SizeAnswer& answer) {
  plan::Request request;
  request.cluster = settled_cluster(flags.request, catalogs);
  request.workload = answer.workload;
  const plan::Terms terms = question_of(flags.request).terms;
  request.only = terms.only;
  request.goal = terms.goal;
  request.replicas = terms.replicas;
  request.runtimes = runtimes_of(flags.request, catalogs);
  request.recipe = model::parse_recipe(flags.request.quant.empty() ? "q4" : flags.request.quant);
  answer.kind = report::SizeAnswer::Kind::models;
  answer.format = request.recipe.name;
  answer.cluster = request.cluster.spec;
  for (const fit::Tier tier : {fit::Tier::comfortable, fit::Tier::borderline}) {
    answer.nominal.emplace_back(tier, study::largest_nominal(request, tier, catalogs.models));
  }
  study::SurveyOptions options;
  options.runtimes = request.runtimes;
  options.workload = request.workload;
  options.terms = terms;
  options.quant = request.recipe;
  std::vector<model::Catalog::Size> sizes = catalogs.models.sizes();
  std::stable_sort(sizes.begin(), sizes.end(),
                   [](const auto& a, const auto& b) { return a.parameters > b.parameters; });
  for (const model::Catalog::Size& size : sizes) {
    study::SurveyEntry entry =
        study::survey_model(catalogs.models.get(size.id), request.cluster, std::nullopt, options);
    if (entry.smallest.row.fits && entry.smallest.row.tier >= *answer.tier) {
      answer.models.push_back(std::move(entry));
    }
    if (answer.models.size() == top) {
      break;
    }
  }
}

void find_clusters(const SizeFlags& flags, const Catalogs& catalogs, std::size_t top,
                   report::SizeAnswer& answer) {
  model::NamedModel resolved = resolve_model(flags.request.model, flags.request.quant, catalogs);
  plan::Request request;
  request.model = std::move(resolved.model);
  request.recipe = std::move(resolved.recipe);
  request.workload = answer.workload;
  const plan::Terms terms = question_of(flags.request).terms;
  request.only = terms.only;
  request.goal = terms.goal;
  request.replicas = terms.replicas;
  request.runtimes = runtimes_of(flags.request, catalogs);
  request.beside = neighbors_of(flags.request, catalogs);
  answer.kind = report::SizeAnswer::Kind::clusters;
  answer.model = request.model.id;
  answer.format = request.recipe.name;
  const auto most = static_cast<std::size_t>(parse_whole(flags.most_nodes, "--max-nodes", 1, 16));
  const std::int64_t longest = request.model.architecture.context;
  if (longest > 0 && request.workload.context.count() > longest) {
    answer.model_ends = longest;  // no machine changes that
    return;
  }
  answer.clusters =
      study::clusters_for(request, *answer.tier, study::candidates_of(catalogs.hardware), most,
                          [&](const std::string& spec) {
                            ClusterFlags cluster = flags.request.cluster;
                            cluster.nodes = spec;
                            return resolve_cluster(cluster, catalogs);
                          });
  keep_top(answer.clusters, top, answer);
}

int size_command(const SizeFlags& flags) {
  check_format(flags.common, size_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const auto top = static_cast<std::size_t>(parse_whole(flags.top, "--top", 1, 1'000'000));
  report::SizeAnswer answer;
  answer.workload = question_of(flags.request).workload;
  answer.tier = in_flag("--tier", [&] { return fit::parse_tier(flags.tier); });
  if (*answer.tier == fit::Tier::not_practical) {
    throw Error("--tier: comfortable or borderline");
  }
  const bool model = !flags.request.model.empty();
  const bool nodes = !flags.request.cluster.nodes.empty();
  if (model && nodes) {
    find_contexts(flags, catalogs, answer);
    answer.tier.reset();
  } else if (nodes) {
    find_models(flags, catalogs, top, answer);
  } else if (model) {
    find_clusters(flags, catalogs, top, answer);
  } else {
    throw Error("--model, --nodes or both are required", {}, "see macfit size --help");
  }
  deliver(flags.common,
          report::write(report::size_formats, flags.common.format, answer, {style, {}, {}}));
  return 0;
}

}  // namespace

Action add_size(CLI::App& app) {
  auto flags = std::make_shared<SizeFlags>();
  add_request(app, flags->request, NodesLeftOut::asked);
  app.get_option("--model")->required(false);
  app.add_option("--tier", flags->tier, "At least: comfortable (default) or borderline")
      ->type_name("TIER");
  app.add_option("--max-nodes", flags->most_nodes, "Largest cluster to consider (default 4)")
      ->type_name("N");
  app.add_option("--top", flags->top, "Show at most N models or clusters (default 10)")
      ->type_name("N");
  add_common(app, flags->common, size_formats);
  app.footer(size_footer);
  return [flags] { return size_command(*flags); };
}

}  // namespace macfit::cli
