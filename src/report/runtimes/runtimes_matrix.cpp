#include <algorithm>
#include <map>

#include "macfit/core/error.hpp"
#include "macfit/report/runtimes/runtimes_report.hpp"

namespace macfit::report {
namespace {

void count(Ability& ability, const runtime::Support& support) {
  ++ability.asked;
  if (support.ok) {
    ++ability.yes;
  } else if (ability.reason.empty()) {
    ability.code = support.code;
    ability.reason = support.reason;
  }
}

/// In the usual 4-bit format, else in one that somebody publishes (gpt-oss: mxfp4).
runtime::Support tensor(const runtime::Runtime& runtime, const model::Model& model,
                        std::size_t ranks) {
  runtime::Support usual =
      runtime.tensor(model, runtime.recipe(model, model::parse_recipe("q4")), ranks);
  if (!usual.ok) {
    for (const model::PublishedFormat& format : model.formats) {
      if (runtime.format(model, format.recipe).ok &&
          runtime.tensor(model, runtime.recipe(model, format.recipe), ranks).ok) {
        return runtime::Support::yes();
      }
    }
  }
  return usual;
}

/// A model that the runtime does not load can't be split either; its words are those of runs().
void ask(Abilities& abilities, const std::vector<std::size_t>& ranks, const model::Model& model) {
  const runtime::Runtime& runtime = *abilities.runtime;
  runtime::Support runs = runtime.runs(model);
  count(abilities.runs, runs);
  const auto unless_refused = [&](const auto& question) -> runtime::Support {
    if (!runs.ok) {
      return runs;
    }
    try {
      return question();
    } catch (const Error& error) {
      return runtime::Support::no("no-format", error.message());
    }
  };
  count(abilities.pipeline, unless_refused([&] { return runtime.pipeline(model, 2); }));
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    count(abilities.tensor[i], unless_refused([&] { return tensor(runtime, model, ranks[i]); }));
  }
  count(abilities.quantized_kv,
        unless_refused([&] { return runtime.kv(model, runtime::KvFormat::q8); }));
}

}  // namespace

RuntimeMatrix make_matrix(const std::vector<model::Model>& models,
                          std::vector<const runtime::Runtime*> runtimes) {
  RuntimeMatrix matrix;
  matrix.runtimes = std::move(runtimes);
  std::map<std::string, std::vector<const model::Model*>> types;
  for (const model::Model& model : models) {
    if (!model.nominal && !model.architecture.layers.empty()) {
      types[model.architecture.type].push_back(&model);
    }
  }
  for (const auto& [type, of_type] : types) {
    ArchitectureRow row;
    row.type = type;
    for (const model::Model* model : of_type) {
      row.models.push_back(model->id);
    }
    for (const runtime::Runtime* id : matrix.runtimes) {
      Abilities abilities;
      abilities.runtime = id;
      abilities.tensor.resize(matrix.ranks.size());
      for (const model::Model* model : of_type) {
        ask(abilities, matrix.ranks, *model);
      }
      row.abilities.push_back(std::move(abilities));
    }
    matrix.rows.push_back(std::move(row));
  }
  return matrix;
}

}  // namespace macfit::report
