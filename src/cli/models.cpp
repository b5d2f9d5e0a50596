#include <memory>

#include "commands.hpp"
#include "macfit/model/manifest.hpp"
#include "macfit/read/read_model.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct ModelsFlags {
  Common common;
  std::string name;
  std::string quant;
};

const std::vector<std::string> formats = {"text", "json"};

}  // namespace

Action add_models(CLI::App& app) {
  auto flags = std::make_shared<ModelsFlags>();
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Every model of the catalog");
  CLI::App* show = app.add_subcommand("show", "Layers, parameters, bytes and cache of one model");
  CLI::App* import = app.add_subcommand(
      "import", "Write a manifest from a config.json, safetensors, GGUF or an MLX checkpoint");
  add_common(*list, flags->common, formats);
  add_common(*show, flags->common, formats);
  show->add_option("model", flags->name, "A model of the catalog, a file or folder, or a size")
      ->required()
      ->type_name("NAME|PATH|SIZE");
  show->add_option("--quant", flags->quant, "Weight format to count bytes in")->type_name("NAME");
  import->add_option("path", flags->name, "A file or folder; only headers are read")
      ->required()
      ->type_name("PATH");
  import->add_option("--output,-o", flags->common.output, "Write to this file, whole or not at all")
      ->type_name("FILE");
  app.footer(
      "\nExamples:\n  macfit models list\n  macfit models show qwen3-235b-a22b --quant q8\n"
      "  macfit models show ./config.json\n  macfit models import ./MyModel -o mine.json\n");
  return [flags, list, show] {
    if (!list->parsed() && !show->parsed()) {
      deliver(flags->common, model::write_manifest(read::read_model(flags->name)));
      return 0;
    }
    check_format(flags->common, formats);
    const report::Style style = style_for(flags->common);
    const bool json = flags->common.format == "json";
    const Catalogs catalogs = load_catalogs(flags->common);
    if (list->parsed()) {
      const std::vector<model::Model> models = catalogs.models.all();
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
