#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "check_parts.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/nominal.hpp"
#include "macfit/plan/plan.hpp"

namespace macfit::study {
namespace {

/// What tells an expectation apart: all that it asks for, as written.
std::string name_of(const model::Expectation& asked) {
  std::string name = asked.nodes;
  if (asked.context) {
    name += ", " + format_tokens(*asked.context);
  }
  if (asked.sequences) {
    name += fmt::format(", {} sequences", *asked.sequences);
  }
  for (const std::string* word : {&asked.quant, &asked.runtime, &asked.link}) {
    name += word->empty() ? "" : ", " + *word;
  }
  return asked.kv.empty() ? name : name + ", kv " + asked.kv;
}

/// Runs `part`; an error in it is one of the expectation's member.
template <class Part>
void part_of(const std::string& pointer, const Part& part) {
  try {
    part();
  } catch (const Error& error) {
    throw Error(error.message(), Place{{}, pointer, {}}, error.hint());
  }
}

std::vector<std::string> known_verdicts() {
  using Kind = plan::Verdict::Kind;
  std::vector<std::string> names;
  for (const Kind kind : {Kind::independent, Kind::pipeline, Kind::tensor}) {
    for (std::size_t workers = 1; workers <= hardware::max_nodes; ++workers) {
      names.push_back(plan::verdict_name(kind, workers));
    }
  }
  for (const Kind kind : {Kind::wont_fit, Kind::unsupported, Kind::unknown}) {
    names.push_back(plan::verdict_name(kind, 0));
  }
  return names;
}

/// Words that are compared with the plan's, before it is made.
void check_words(const model::Expectation& asked, const std::string& pointer) {
  part_of(pointer + "/tier", [&] {
    if (!asked.tier.empty()) {
      (void)fit::parse_tier(asked.tier);
    }
  });
  part_of(pointer + "/verdict", [&] {
    const std::vector<std::string> known = known_verdicts();
    if (!asked.verdict.empty() &&
        std::find(known.begin(), known.end(), asked.verdict) == known.end()) {
      throw unknown_name("verdict", asked.verdict, known, {},
                         "such as single-worker, two-independent-workers, pipeline-shard, "
                         "tensor-shard, won't-fit, unsupported or unknown");
    }
  });
}

plan::Request request_of(const model::Model& model, const model::Expectation& asked,
                         const std::string& pointer, const CheckSources& sources) {
  plan::Request request;
  request.model = model;
  request.catalog_version = sources.catalog_version;
  request.calibration = sources.calibration;
  part_of(pointer + "/quant", [&] {
    request.recipe = asked.quant.empty() ? model::recipe_of(model, std::nullopt)
                                         : model::parse_recipe(asked.quant);
  });
  part_of(pointer + "/runtime", [&] {
    request.known_runtimes = sources.runtimes;
    request.runtimes = sources.runtimes.parse(asked.runtime.empty() ? "all" : asked.runtime);
  });
  part_of(pointer + "/kv", [&] {
    if (!asked.kv.empty()) {
      request.workload.kv = runtime::parse_kv_format(asked.kv);
    }
  });
  part_of(pointer + "/nodes",
          [&] { request.cluster = hardware::parse_cluster(asked.nodes, {}, sources.hardware); });
  if (!asked.link.empty()) {
    hardware::ClusterOptions options;
    options.link = asked.link;
    part_of(pointer + "/link", [&] {
      request.cluster = hardware::parse_cluster(asked.nodes, options, sources.hardware);
    });
  }
  if (asked.context) {
    request.workload.context = *asked.context;
  }
  if (asked.sequences) {
    request.workload.sequences = *asked.sequences;
  }
  return request;
}

Outcome outcome_of(const plan::Plan& plan) {
  Outcome outcome;
  outcome.verdict = plan::verdict_name(plan.verdict.kind, plan.verdict.workers);
  outcome.tier = plan.verdict.tier;
  outcome.has_tier = plan.verdict.has_tier();
  outcome.fits = plan.verdict.fits;
  outcome.summary = plan.verdict.summary;
  const auto index = plan.verdict.placement ? plan.verdict.placement : plan.verdict.nearest;
  if (!index) {
    return outcome;
  }
  const plan::Placement& placement = plan.placements.at(*index);
  outcome.runtime = placement.runtime->name();
  outcome.split = plan::split_name(placement.split);
  outcome.format = placement.format;
  // A placement that does not load has no speed.
  if (const auto& decode = placement.speed.decode; decode && plan.verdict.placement) {
    outcome.decode = Rate{decode->value, decode->low, decode->high,
                          std::string(evidence_name(decode->evidence))};
  }
  for (const plan::NodeBudget& budget : placement.nodes) {
    outcome.nodes.push_back({plan.request.cluster.nodes[budget.node].name, budget.replica,
                             budget.parts.demand(), budget.effective});
  }
  return outcome;
}

/// Adds what does not hold; true where all does.
bool compare(const model::Expectation& asked, const Outcome& found, const std::string& pointer,
             const std::string& name, FindingList& findings) {
  bool holds = true;
  const auto miss = [&](std::string_view code, const char* key, const std::string& message) {
    findings.add(code, pointer + key, name + ": " + message, found.summary);
    holds = false;
  };
  if (!asked.verdict.empty() && asked.verdict != found.verdict) {
    miss("expect-verdict", "/verdict", "expected " + asked.verdict + ", found " + found.verdict);
  }
  if (!asked.tier.empty() && found.tier < fit::parse_tier(asked.tier)) {
    miss("expect-tier", "/tier",
         "expected " + asked.tier + " or better, found " + std::string(fit::tier_name(found.tier)));
  }
  if (asked.min_decode) {
    if (!found.decode) {
      miss("expect-decode", "/min_decode",
           fmt::format("expected at least {:g} tokens/s, {}", *asked.min_decode,
                       found.tier == fit::Tier::not_practical
                           ? "and it does not run"
                           : "and how fast it decodes is not known"));
    } else if (found.decode->value < *asked.min_decode) {
      miss("expect-decode", "/min_decode",
           fmt::format("expected at least {:g} tokens/s, found {:.1f} ({:.1f} to {:.1f}, {})",
                       *asked.min_decode, found.decode->value, found.decode->low,
                       found.decode->high, found.decode->evidence));
    }
  }
  return holds;
}

}  // namespace

void check_expectations(const model::ManifestReading& reading, const CheckSources& sources,
                        FindingList& findings, CheckedFile& file) {
  const model::Model& model = reading.manifest.model;
  const bool known = !model.architecture.layers.empty() || model.stored.has_value();
  for (std::size_t i = 0; i < reading.manifest.expect.size(); ++i) {
    ExpectationResult result;
    result.asked = reading.manifest.expect[i];
    result.pointer = reading.expect_pointers[i];
    result.name = name_of(result.asked);
    const TextPlace at = findings.place(result.pointer);
    result.line = at.line;
    result.column = at.column;
    try {
      check_words(result.asked, result.pointer);
      const plan::Request request = request_of(model, result.asked, result.pointer, sources);
      // Without shapes there is nothing to plan; why they are missing is said already.
      if (known) {
        result.found = outcome_of(plan::make_plan(request));
        result.holds = compare(result.asked, *result.found, result.pointer, result.name, findings);
      }
    } catch (const Error& error) {
      const std::string pointer = error.place().pointer.value_or("");
      findings.add("expect-invalid",
                   pointer.rfind(result.pointer, 0) == 0 ? pointer : result.pointer,
                   result.name + ": " + error.message(), error.hint());
    }
    file.expectations.push_back(std::move(result));
  }
}

}  // namespace macfit::study
