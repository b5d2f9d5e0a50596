#include "macfit/core/dump_json.hpp"
#include "macfit/report/catalog/local_models_report.hpp"

namespace macfit::report {

std::string local_models_json(const std::vector<LocalModelRow>& models, const std::string& nodes) {
  using Json = nlohmann::ordered_json;
  const auto text = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  Json root{{"schema", "macfit.local-models/1"}, {"nodes", text(nodes)}, {"models", Json::array()}};
  for (const LocalModelRow& model : models) {
    Json row{{"name", model.name},
             {"store", model.store},
             {"format", model.format},
             {"quant", text(model.quant)},
             {"path", model.path},
             {"weight_bytes", model.size.count()},
             {"complete", model.missing.empty()},
             {"missing", text(model.missing)},
             {"fit", nullptr}};
    if (model.fit) {
      row["fit"] = {{"verdict", text(model.fit->verdict)},
                    {"tier", text(model.fit->tier)},
                    {"problem", text(model.fit->problem)}};
    }
    root["models"].push_back(std::move(row));
  }
  return dump_document(root);
}

}  // namespace macfit::report
