// The page's engine: a question in JSON, its answer in JSON, by the functions that the command line
// calls. A question names what it asks ("ask") and has the flags of that command as keys.

#include <algorithm>
#include <emscripten.h>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/plan/flags_json.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/read/read_model.hpp"
#include "macfit/report/catalog/catalog_report.hpp"
#include "macfit/report/compare/compare_report.hpp"
#include "macfit/report/night/night_report.hpp"
#include "macfit/report/page/html.hpp"
#include "macfit/report/page/html_report.hpp"
#include "macfit/report/plan/plan_formats.hpp"
#include "macfit/report/size/size_report.hpp"
#include "macfit/report/survey/survey_report.hpp"
#include "macfit/study/against.hpp"
#include "macfit/study/night.hpp"
#include "macfit/study/size.hpp"
#include "macfit/study/survey.hpp"

// Bytes of a file that the page holds; how many could be read.
EM_JS(int, page_read, (int file, double offset, char* out, int count), {
  const bytes = Module.readFile(file, offset, count);
  HEAPU8.set(bytes, out);
  return bytes.length;
});

namespace macfit::web {
namespace {

using Json = nlohmann::ordered_json;

/// A file on the page, read block by block where a reader asks.
class PageFile final : public read::ByteSource {
 public:
  PageFile(int file, std::string name, std::uint64_t size)
      : file_(file), name_(std::move(name)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  static constexpr std::uint64_t block_size = 1U << 18U;

  void do_read(std::uint64_t offset, std::span<char> out) const override {
    for (std::size_t done = 0; done < out.size();) {
      const std::uint64_t at = offset + done;
      if (at < start_ || at >= start_ + block_.size()) {
        load(at - at % block_size);
      }
      const auto from = static_cast<std::size_t>(at - start_);
      const std::size_t count = std::min(out.size() - done, block_.size() - from);
      std::copy_n(block_.data() + from, count, out.data() + done);
      done += count;
    }
  }

  void load(std::uint64_t start) const {
    block_.resize(static_cast<std::size_t>(std::min(block_size, size_ - start)));
    start_ = start;
    const int count = page_read(file_, static_cast<double>(start), block_.data(),
                                static_cast<int>(block_.size()));
    if (count != static_cast<int>(block_.size())) {
      block_.clear();
      throw Error("can't be read", Place{name_, {}, start});
    }
  }

  int file_;
  std::string name_;
  std::uint64_t size_;
  mutable std::uint64_t start_ = 0;
  mutable std::string block_;
};

/// Catalogs and what was dropped on the page, by the name that a question gives it.
class Engine {
 public:
  Engine() : finder_(plan::catalog_finder(catalogs_)) {
    finder_.model = [this, in_catalog = finder_.model](const std::string& name,
                                                       const std::string& quant) {
      const auto found = dropped_.find(name);
      if (found != dropped_.end()) {
        model::NamedModel named{found->second, {}};
        named.recipe = model::recipe_of(named.model, plan::recipe_of_flag(quant));
        return named;
      }
      if (name.rfind("./", 0) == 0) {
        throw Error("the file is not here", Place{name, {}, {}},
                    "a link can't hold it: drop it on the page again");
      }
      return in_catalog(name, quant);
    };
  }

  std::string answer(std::string_view question) {
    const JsonDocument document = JsonDocument::parse(question);
    JsonObject object = document.root().object();
    const std::string ask = object.at("ask").string();
    const std::pair<std::string_view, std::string (Engine::*)(JsonObject&)> known[] = {
        {"plan", &Engine::plan},       {"survey", &Engine::survey},   {"night", &Engine::night},
        {"size", &Engine::size},       {"compare", &Engine::compare}, {"model", &Engine::model},
        {"read", &Engine::read_files}, {"lists", &Engine::lists},     {"style", &Engine::style}};
    std::vector<std::string> names;
    for (const auto& [name, function] : known) {
      if (name == ask) {
        return (this->*function)(object);
      }
      names.emplace_back(name);
    }
    throw unknown_name("question", ask, names);
  }

 private:
  static std::string optional_text(JsonObject& object, std::string_view key,
                                   std::string otherwise = {}) {
    const auto value = object.find(key);
    return value ? plan::flag_value(*value) : std::move(otherwise);
  }
  static std::string quoted(const std::string& text) { return dump_json(Json(text), -1); }

  static plan::RequestFlags flags_of(JsonObject& object) { return plan::read_flags(object, {}); }

  [[nodiscard]] plan::Plan plan_of(const plan::RequestFlags& flags) const {
    return plan::make_plan(plan::make_request(flags, catalogs_, finder_));
  }

  std::string plan(JsonObject& object) {
    plan::RequestFlags flags = flags_of(object);
    const std::string against = optional_text(object, "against");
    object.refuse_unknown();
    const plan::Plan mine = plan_of(flags);
    std::string fragment = report::plan_fragment(mine);
    std::string json = report::plan_json(mine, true);
    std::string other_json = "null";
    if (!against.empty()) {
      flags.cluster.nodes = against;
      flags.layers.clear();  // they count the first cluster's nodes
      const plan::Plan other = plan_of(flags);
      fragment += report::against_fragment(study::side_of(mine, catalogs_.hardware),
                                           study::side_of(other, catalogs_.hardware));
      other_json = report::plan_json(other, true);
    }
    return "{\"plan\":" + json + ",\"other\":" + other_json + ",\"fragment\":" + quoted(fragment) +
           "}";
  }

  std::string survey(JsonObject& object) {
    const plan::RequestFlags flags = flags_of(object);
    object.refuse_unknown();
    report::Survey survey;
    survey.cluster = plan::settled_cluster(flags, catalogs_, finder_);
    survey.catalog_version = catalogs_.version;
    const plan::Question question = plan::question_of(flags);
    survey.workload = question.workload;
    study::SurveyOptions options;
    options.workload = question.workload;
    options.terms = question.terms;
    options.runtimes = plan::runtimes_of(flags, catalogs_);
    options.quant = plan::recipe_of_flag(flags.quant);
    const auto price = study::price_of(survey.cluster, catalogs_.hardware);
    for (const std::string& id : catalogs_.models.ids()) {
      survey.entries.push_back(study::survey_model(catalogs_.models.get(id), survey.cluster,
                                                   price ? std::optional(price->usd) : std::nullopt,
                                                   options));
    }
    study::sort_survey(survey.entries, study::SurveyOrder::size);
    return report::survey_json(survey);
  }

  std::string night(JsonObject& object) {
    const plan::RequestFlags flags = flags_of(object);
    study::NightQuestion question;
    question.hours = study::parse_hours(optional_text(object, "hours", "22:00-07:00"));
    std::optional<std::int64_t> prompts;
    if (const std::string text = optional_text(object, "prompts"); !text.empty()) {
      prompts = parse_whole(text, "--prompts", 1, study::most_jobs);
    }
    question.jobs = study::make_jobs(
        prompts,
        study::parse_token_range(optional_text(object, "prompt-tokens"), "--prompt-tokens"),
        study::parse_token_range(optional_text(object, "output-tokens"), "--output-tokens"),
        question.rules.seed);
    object.refuse_unknown();
    question.plan = plan::make_request(flags, catalogs_, finder_);
    question.choose_sequences = flags.sequences.empty();
    question.rules.faults = study::default_faults();
    const study::NightResult result = study::night(std::move(question));
    return "{\"night\":" + report::night_json(result) +
           ",\"fragment\":" + quoted(report::night_fragment(result)) + "}";
  }

  std::string size(JsonObject& object) {
    study::SizeQuestion question;
    question.flags = flags_of(object);
    question.tier = optional_text(object, "tier", question.tier);
    question.top = optional_text(object, "top", question.top);
    question.most_nodes = optional_text(object, "max-nodes", question.most_nodes);
    object.refuse_unknown();
    return report::size_json(study::answer_size(question, catalogs_, finder_));
  }

  std::string compare(JsonObject& object) {
    std::vector<std::string> plans;
    for (const char* side : {"a", "b"}) {
      JsonObject flags = object.at(side).object();
      plans.push_back(report::plan_json(plan_of(flags_of(flags))));
      flags.refuse_unknown();
    }
    const std::string a = optional_text(object, "a-name", "a");
    const std::string b = optional_text(object, "b-name", "b");
    return report::differences_json(report::compare_plans(plans[0], plans[1], a, b), a, b);
  }

  /// A model by any spelling: what the page shows of it before a plan.
  std::string model(JsonObject& object) {
    const plan::RequestFlags flags = flags_of(object);
    object.refuse_unknown();
    const model::NamedModel named = finder_.model(flags.model, flags.quant);
    return report::model_json(named.model, named.recipe);
  }

  /// Files dropped on the page: [{"name", "size"}], read by their index.
  std::string read_files(JsonObject& object) {
    std::vector<std::shared_ptr<const read::ByteSource>> files;
    for (const JsonValue& value : object.at("files").array()) {
      JsonObject file = value.object();
      files.push_back(
          std::make_shared<PageFile>(static_cast<int>(files.size()), file.at("name").string(),
                                     static_cast<std::uint64_t>(file.at("size").whole(
                                         0, std::numeric_limits<std::int64_t>::max()))));
    }
    object.refuse_unknown();
    model::Model model = read::read_model(files);
    const model::Recipe recipe = model::recipe_of(model, std::nullopt);
    const std::string name = "./" + files.front()->name();
    std::string json = report::model_json(model, recipe);
    dropped_.insert_or_assign(name, std::move(model));
    return "{\"name\":" + quoted(name) + ",\"model\":" + json + "}";
  }

  std::string lists(JsonObject& object) {
    object.refuse_unknown();
    Json models = Json::array();
    for (const model::Model& model : catalogs_.models.all()) {
      const model::ParameterCount count = model::parameters_of(model);
      Json formats = Json::array();
      for (const model::PublishedFormat& format : model.formats) {
        formats.push_back(format.recipe.name);
      }
      models.push_back({{"id", model.id},
                        {"parameters", count.total},
                        {"active", count.active},
                        {"context", model.architecture.context},
                        {"aliases", model.aliases},
                        {"formats", std::move(formats)}});
    }
    Json runtimes = Json::array();
    for (const runtime::Runtime* runtime : catalogs_.runtimes.all()) {
      runtimes.push_back(runtime->name());
    }
    return "{\"hardware\":" + report::hardware_json(catalogs_.hardware) +
           ",\"models\":" + dump_json(models, -1) + ",\"runtimes\":" + dump_json(runtimes, -1) +
           ",\"version\":" + quoted(report::tool_version()) +
           ",\"catalog\":" + quoted(catalogs_.version) + "}";
  }

  std::string style(JsonObject& object) {
    object.refuse_unknown();
    return quoted(std::string(report::html::style_text()));
  }

  plan::Catalogs catalogs_ = plan::embedded_catalogs();
  std::map<std::string, model::Model> dropped_;
  plan::Finder finder_;
};

}  // namespace
}  // namespace macfit::web

/// {"answer": …} or {"error": {"message", "hint" …}}; valid until the next call.
extern "C" EMSCRIPTEN_KEEPALIVE const char* macfit_answer(const char* question) {
  static macfit::web::Engine engine;
  static std::string text;
  try {
    text = "{\"answer\":" + engine.answer(question) + "}";
  } catch (const macfit::Error& error) {
    nlohmann::ordered_json json;
    json["error"] = macfit::plan::error_json(error);
    text = macfit::dump_json(json, -1);
  } catch (const std::exception& error) {
    nlohmann::ordered_json json;
    json["error"] = {{"message", std::string("the engine failed: ") + error.what()},
                     {"hint", nullptr}};
    text = macfit::dump_json(json, -1);
  }
  return text.c_str();
}
