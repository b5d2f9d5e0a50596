#include <algorithm>
#include <memory>

#include "commands.hpp"
#include "files.hpp"
#include "hub_models.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/read/read_model.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "macfit/report/catalog/local_models_report.hpp"
#include "options.hpp"
#include "paths.hpp"

namespace macfit::cli {
namespace {

struct ModelsFlags {
  Common common;
  std::string name;
  std::string quant;
  RequestFlags on;  ///< what fits is asked about
  bool local = false;
  std::vector<std::string> words;
};

const std::vector<std::string> models_formats = {"text", "json"};

report::LocalFit fit_of(const StoredModel& model, RequestFlags flags, const Catalogs& catalogs) {
  flags.model = model.path;
  try {
    const plan::Plan plan = plan::make_plan(make_request(flags, catalogs));
    return {plan::verdict_name(plan.verdict.kind, plan.verdict.workers),
            std::string(fit::tier_name(plan.verdict.tier)), ""};
  } catch (const Error& error) {
    return {"", "", error.message()};
  }
}

/// Models of other programs' stores; with --nodes, how each goes on them.
int list_local(const ModelsFlags& flags, const Catalogs& catalogs, const report::Style& style) {
  std::vector<report::LocalModelRow> rows;
  for (const StoredModel& model : models_in_stores()) {
    report::LocalModelRow row{
        model.name, model.store, model.quant,   model.gguf ? "GGUF" : "safetensors",
        model.path, model.size,  model.missing, std::nullopt};
    if (!flags.on.cluster.nodes.empty() && model.missing.empty()) {
      row.fit = fit_of(model, flags.on, catalogs);
    }
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return lower(a.name) < lower(b.name); });
  const std::string& nodes = flags.on.cluster.nodes;
  deliver(flags.common, flags.common.format == "json"
                            ? report::local_models_json(rows, nodes)
                            : report::local_models_text(rows, nodes, style));
  return 0;
}

/// Models in whose names all the words stand: ids, aliases and repositories.
std::vector<model::Model> found_by(const std::vector<std::string>& words,
                                   const model::Catalog& catalog) {
  std::vector<model::Model> found;
  for (model::Model& model : catalog.all()) {
    std::string names = lower(model.id + " " + model.repository);
    for (const std::string& alias : model.aliases) {
      names += " " + lower(alias);
    }
    for (const model::PublishedFormat& format : model.formats) {
      names += " " + lower(format.repository);
    }
    if (std::all_of(words.begin(), words.end(), [&](const std::string& word) {
          return names.find(lower(word)) != std::string::npos;
        })) {
      found.push_back(std::move(model));
    }
  }
  if (found.empty()) {
    throw Error("no model of the catalog has " + join_words(words, "and") + " in its names", {},
                "a size such as 70b-q4 or the path of a model's files works too");
  }
  return found;
}

}  // namespace

Action add_models(CLI::App& app) {
  auto flags = std::make_shared<ModelsFlags>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Every model of the catalog");
  CLI::App* search = app.add_subcommand("search", "Models by words of their names");
  CLI::App* show = app.add_subcommand("show", "Layers, parameters, bytes and cache of one model");
  CLI::App* import = app.add_subcommand(
      "import", "Write a manifest from a config.json, safetensors, GGUF or an MLX checkpoint");
  add_common(*list, flags->common, models_formats);
  list->add_flag("--local", flags->local,
                 "Models in the stores of Hugging Face, LM Studio, Ollama, llama.cpp and EXO");
  add_cluster(*list, flags->on.cluster, NodesLeftOut::may_stand);
  list->add_option("--context,-c", flags->on.context, "With --local and --nodes: tokens to fit")
      ->type_name("TOKENS");
  add_common(*search, flags->common, models_formats);
  search->add_option("words", flags->words, "Such as qwen3 235b; all of them")
      ->required()
      ->type_name("WORD");
  add_common(*show, flags->common, models_formats);
  show->add_option("model", flags->name,
                   "A model of the catalog, a size, a path, or a hub's org/repo")
      ->required()
      ->type_name("NAME|PATH|SIZE");
  show->add_option("--quant", flags->quant, "Weight format to count bytes in")->type_name("NAME");
  import->add_option("path", flags->name, "A file or folder; only headers are read")
      ->required()
      ->type_name("PATH");
  import->add_option("--output,-o", flags->common.output, "Write to FILE atomically")
      ->type_name("FILE");
  app.footer(
      "\nExamples:\n  macfit models list\n  macfit models list --local --nodes this\n"
      "  macfit models search qwen3 235b\n  macfit models show qwen3-235b-a22b --quant q8\n"
      "  macfit models show ./config.json\n  macfit models import ./MyModel -o mine.json\n");
  return [flags, list, search, show] {
    if (!list->parsed() && !search->parsed() && !show->parsed()) {
      note_input(flags->name);
      deliver(flags->common, model::write_manifest(read::read_model(expand_home(flags->name))));
      return 0;
    }
    check_format(flags->common, models_formats);
    const report::Style style = style_for(flags->common);
    const bool json = flags->common.format == "json";
    const Catalogs catalogs = load_catalogs(flags->common);
    if (list->parsed() && flags->local) {
      return list_local(*flags, catalogs, style);
    }
    if (list->parsed() || search->parsed()) {
      const std::vector<model::Model> models =
          list->parsed() ? catalogs.models.all() : found_by(flags->words, catalogs.models);
      deliver(flags->common,
              json ? report::models_json(models) : report::models_text(models, style));
      return 0;
    }
    const model::NamedModel resolved = resolve_model(flags->name, flags->quant, catalogs);
    deliver(flags->common, json ? report::model_json(resolved.model, resolved.recipe)
                                : report::model_text(resolved.model, resolved.recipe, style));
    return 0;
  };
}

}  // namespace macfit::cli
