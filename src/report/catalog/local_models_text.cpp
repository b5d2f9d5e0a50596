#include "macfit/core/text.hpp"
#include "macfit/report/catalog/local_models_report.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

std::string fit_words(const LocalModelRow& model) {
  if (!model.missing.empty()) {
    return "not whole: " + model.missing;
  }
  if (!model.fit) {
    return "";
  }
  if (model.fit->verdict.empty()) {
    return printable(model.fit->problem, 120);
  }
  return model.fit->verdict + (model.fit->tier.empty() ? "" : ", " + model.fit->tier);
}

}  // namespace

std::string local_models_text(const std::vector<LocalModelRow>& models, const std::string& nodes,
                              const Style& style) {
  if (models.empty()) {
    return "No models in the stores of Hugging Face, LM Studio, Ollama, llama.cpp or EXO.\n";
  }
  Table table({{"model", false, false},
               {"format", false, false},
               {"size", true, false},
               {"store", false, true},
               {nodes.empty() ? "" : "on " + printable(nodes, 40), false, false}});
  for (const LocalModelRow& model : models) {
    table.add({printable(model.name, 100),
               printable(model.quant.empty() ? model.format : model.quant, 30),
               format_gb(model.size), printable(model.store, 60), fit_words(model)});
  }
  return encode(style, table.text(style, 0));
}

}  // namespace macfit::report
