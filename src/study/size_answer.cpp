// The inverse questions as they are asked, flag by flag.

#include <algorithm>

#include "macfit/core/error.hpp"
#include "macfit/study/size.hpp"

namespace macfit::study {
namespace {

template <class Value>
void keep_top(std::vector<Value>& values, std::size_t top, SizeAnswer& answer) {
  if (values.size() > top) {
    answer.left_out = values.size() - top;
    values.resize(top);
  }
}

void find_contexts(const SizeQuestion& question, const plan::Catalogs& catalogs,
                   const plan::Finder& finder, SizeAnswer& answer) {
  const plan::Request request = plan::make_request(question.flags, catalogs, finder);
  answer.kind = SizeAnswer::Kind::contexts;
  answer.model = request.model.id;
  answer.format = request.recipe.name;
  answer.cluster = request.cluster.spec;
  std::vector<runtime::KvFormat> kv = {request.workload.kv};
  if (question.flags.kv.empty()) {
    kv = {runtime::KvFormat::bf16, runtime::KvFormat::q8, runtime::KvFormat::q4};
  }
  answer.contexts = longest_contexts(request, kv);
}

/// What both directions ask for besides their models and clusters.
plan::Request asked(const SizeQuestion& question, const plan::Catalogs& catalogs,
                    const runtime::Workload& workload) {
  plan::Request request;
  request.workload = workload;
  const plan::Terms terms = plan::question_of(question.flags).terms;
  request.only = terms.only;
  request.goal = terms.goal;
  request.replicas = terms.replicas;
  request.runtimes = plan::runtimes_of(question.flags, catalogs);
  return request;
}

void find_models(const SizeQuestion& question, const plan::Catalogs& catalogs,
                 const plan::Finder& finder, std::size_t top, SizeAnswer& answer) {
  plan::Request request = asked(question, catalogs, answer.workload);
  request.cluster = plan::settled_cluster(question.flags, catalogs, finder);
  request.recipe = model::parse_recipe(question.flags.quant.empty() ? "q4" : question.flags.quant);
  answer.kind = SizeAnswer::Kind::models;
  answer.format = request.recipe.name;
  answer.cluster = request.cluster.spec;
  for (const fit::Tier tier : {fit::Tier::comfortable, fit::Tier::borderline}) {
    answer.nominal.emplace_back(tier, largest_nominal(request, tier, catalogs.models));
  }
  SurveyOptions options;
  options.runtimes = request.runtimes;
  options.workload = request.workload;
  options.terms = plan::question_of(question.flags).terms;
  options.quant = request.recipe;
  std::vector<model::Catalog::Size> sizes = catalogs.models.sizes();
  std::stable_sort(sizes.begin(), sizes.end(),
                   [](const auto& a, const auto& b) { return a.parameters > b.parameters; });
  for (const model::Catalog::Size& size : sizes) {
    SurveyEntry entry =
        survey_model(catalogs.models.get(size.id), request.cluster, std::nullopt, options);
    if (entry.smallest.row.fits && entry.smallest.row.tier >= *answer.tier) {
      answer.models.push_back(std::move(entry));
    }
    if (answer.models.size() == top) {
      break;
    }
  }
}

void find_clusters(const SizeQuestion& question, const plan::Catalogs& catalogs,
                   const plan::Finder& finder, std::size_t top, SizeAnswer& answer) {
  model::NamedModel resolved = finder.model(question.flags.model, question.flags.quant);
  plan::Request request = asked(question, catalogs, answer.workload);
  request.model = std::move(resolved.model);
  request.recipe = std::move(resolved.recipe);
  request.beside = plan::neighbors_of(question.flags, finder);
  answer.kind = SizeAnswer::Kind::clusters;
  answer.model = request.model.id;
  answer.format = request.recipe.name;
  const auto most =
      static_cast<std::size_t>(parse_whole(question.most_nodes, "--max-nodes", 1, 16));
  const std::int64_t longest = request.model.architecture.context;
  if (longest > 0 && request.workload.context.count() > longest) {
    answer.model_ends = longest;  // no machine changes that
    return;
  }
  answer.clusters = clusters_for(request, *answer.tier, candidates_of(catalogs.hardware), most,
                                 [&](const std::string& spec) {
                                   plan::ClusterFlags cluster = question.flags.cluster;
                                   cluster.nodes = spec;
                                   return plan::spec_cluster(cluster, catalogs.hardware);
                                 });
  keep_top(answer.clusters, top, answer);
}

}  // namespace

SizeAnswer answer_size(const SizeQuestion& question, const plan::Catalogs& catalogs,
                       const plan::Finder& finder) {
  const auto top = static_cast<std::size_t>(parse_whole(question.top, "--top", 1, 1'000'000));
  SizeAnswer answer;
  answer.workload = plan::question_of(question.flags).workload;
  answer.tier = plan::in_flag("--tier", [&] { return fit::parse_tier(question.tier); });
  if (*answer.tier == fit::Tier::not_practical) {
    throw Error("--tier: comfortable or borderline");
  }
  const bool model = !question.flags.model.empty();
  const bool nodes = !question.flags.cluster.nodes.empty();
  if (model && nodes) {
    find_contexts(question, catalogs, finder, answer);
    answer.tier.reset();
  } else if (nodes) {
    find_models(question, catalogs, finder, top, answer);
  } else if (model) {
    find_clusters(question, catalogs, finder, top, answer);
  } else {
    throw Error("--model, --nodes or both are required", {}, "see macfit size --help");
  }
  return answer;
}

}  // namespace macfit::study
