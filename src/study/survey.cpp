#include "macfit/study/survey.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <tuple>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::study {
namespace {

/// What a format is called by: 4 for mlx-4bit-g64, Q4_K_M and IQ4_XS, though all take a bit more.
double nominal_width(const model::Recipe& recipe) {
  if (recipe.kind != model::Recipe::Kind::gguf) {
    return recipe.kind == model::Recipe::Kind::nominal ? recipe.nominal_bits : recipe.base.bits;
  }
  const std::size_t digit = recipe.name.find_first_of("0123456789");
  return digit == std::string::npos ? model::nominal_bits(recipe)
                                    : std::strtod(recipe.name.c_str() + digit, nullptr);
}

/// The formats that a runtime asked for loads, from few bits to many; each once.
std::vector<model::Recipe> loadable_formats(const model::Model& model,
                                            const SurveyOptions& options) {
  std::vector<model::Recipe> recipes;
  for (const model::PublishedFormat& format : model.formats) {
    const bool loads = std::any_of(
        options.runtimes.begin(), options.runtimes.end(),
        [&](const runtime::Runtime* rules) { return rules->format(model, format.recipe).ok; });
    const bool production =
        options.below_production || nominal_width(format.recipe) >= production_bits;
    if (loads && production &&
        std::find(recipes.begin(), recipes.end(), format.recipe) == recipes.end()) {
      recipes.push_back(format.recipe);
    }
  }
  std::stable_sort(recipes.begin(), recipes.end(),
                   [](const model::Recipe& a, const model::Recipe& b) {
                     return model::nominal_bits(a) < model::nominal_bits(b);
                   });
  return recipes;
}

std::string note_of(const SurveyEntry& entry) {
  const SweepRow& row = entry.smallest.row;
  std::vector<std::string> notes;
  if (!entry.published) {
    notes.emplace_back("no format is published");
  }
  if (entry.below_production) {
    notes.emplace_back("below 4 bits");
  }
  if (!row.placed) {
    std::string why = row.reason == "short-of-memory" ? "too large" : row.reason;
    std::replace(why.begin(), why.end(), '-', ' ');
    notes.push_back(std::move(why));
    return fmt::format("{}", fmt::join(notes, "; "));
  }
  if (row.reason == "context-above-longest") {
    notes.push_back(
        fmt::format("the model ends at {} tokens", format_tokens(Tokens(entry.longest_context))));
  }
  if (row.raised) {
    notes.emplace_back("raise the GPU limit");
  }
  if (!row.fits) {
    const std::int64_t tokens =
        row.max_context >= 1024 ? row.max_context / 1024 * 1024 : row.max_context;
    notes.push_back(fmt::format("cap the context at {}", format_tokens(Tokens(tokens))));
  }
  if (row.split != plan::SplitKind::independent) {
    notes.push_back(
        row.workers > 1
            ? fmt::format("{} {} shards", count_word(row.workers), plan::split_name(row.split))
            : fmt::format("{} over {} nodes", plan::split_name(row.split), row.nodes_used));
  } else if (row.nodes > row.workers) {
    notes.push_back(fmt::format("on {} of {} nodes", row.workers, row.nodes));
  }
  return fmt::format("{}", fmt::join(notes, "; "));
}

bool is_measured(const study::SurveyEntry& entry, const hardware::Cluster& cluster,
                 const speed::Calibration& calibration) {
  return std::any_of(
      calibration.anchors.begin(), calibration.anchors.end(), [&](const speed::Anchor& anchor) {
        return anchor.model == entry.model &&
               std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                           [&](const hardware::Node& node) { return node.chip == anchor.chip; });
      });
}

}  // namespace

SurveyEntry survey_model(const model::Model& model, const hardware::Cluster& cluster,
                         std::optional<double> price, const SurveyOptions& options) {
  SurveyEntry entry;
  entry.model = model.id;
  const model::ParameterCount count = model::parameters_of(model);
  entry.parameters = count.total;
  entry.active_parameters = count.active;
  entry.longest_context = model.architecture.context;

  plan::Request request;
  request.model = model;
  request.cluster = cluster;
  request.workload = options.workload;
  request.calibration = options.calibration;
  const auto shared = std::make_shared<const hardware::Cluster>(cluster);
  const auto choose = [&](const model::Recipe& recipe) {
    SurveyChoice choice;
    choice.recipe = recipe;
    choice.bits = model::nominal_bits(recipe);
    request.recipe = recipe;
    std::vector<const runtime::Runtime*> able;
    for (const runtime::Runtime* rules : options.runtimes) {
      if (rules->format(model, recipe).ok) {
        able.push_back(rules);
      }
    }
    // A runtime that can't load the format has nothing to say, unless none can.
    if (able.empty()) {
      able = options.runtimes;
    }
    request.runtimes = able;
    Setting setting = make_setting(std::move(request), price, false, shared);
    answer(setting, options.workload, options.terms, {true, true}, choice.row);
    request = std::move(setting.request);
    return choice;
  };

  std::vector<model::Recipe> recipes =
      options.quant ? std::vector<model::Recipe>{*options.quant} : loadable_formats(model, options);
  if (recipes.empty()) {
    entry.published = false;
    recipes.push_back(model::parse_recipe("q4"));
  }
  entry.smallest = choose(recipes.front());
  entry.below_production = nominal_width(recipes.front()) < production_bits;
  if (entry.smallest.row.tier == fit::Tier::comfortable) {
    for (std::size_t i = recipes.size(); i-- > 1 && !entry.best;) {
      SurveyChoice choice = choose(recipes[i]);
      if (choice.row.tier == fit::Tier::comfortable) {
        entry.best = std::move(choice);
      }
    }
    if (!entry.best) {
      entry.best = entry.smallest;
    }
  }
  entry.smallest.row.asked[0] = entry.model;
  entry.measured = is_measured(
      entry, cluster, options.calibration ? *options.calibration : speed::Calibration::embedded());
  entry.note = note_of(entry);
  return entry;
}

SurveyOrder parse_survey_order(std::string_view name) {
  const std::vector<std::string> known = {"name", "size", "utilization", "context", "speed"};
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (same_name(known[i], name)) {
      return static_cast<SurveyOrder>(i);
    }
  }
  throw unknown_name("order", name, known, {}, "known are " + join_words(known));
}

void sort_survey(std::vector<SurveyEntry>& entries, SurveyOrder order) {
  const auto key = [&](const SurveyEntry& entry) {
    const SweepRow& row = entry.smallest.row;
    double value = 0.0;
    switch (order) {
      case SurveyOrder::name:
        break;
      case SurveyOrder::size:
        value = -static_cast<double>(entry.parameters);
        break;
      case SurveyOrder::utilization:
        value = row.utilization;
        break;
      case SurveyOrder::context:
        value = -static_cast<double>(row.max_context);
        break;
      case SurveyOrder::speed:
        value = row.speed.decode ? -row.speed.decode->value : 0.0;
        break;
    }
    return std::tuple(-static_cast<int>(row.tier), value);
  };
  std::stable_sort(entries.begin(), entries.end(), [&](const SurveyEntry& a, const SurveyEntry& b) {
    const auto ka = key(a);
    const auto kb = key(b);
    return ka == kb ? a.model < b.model : ka < kb;
  });
}

}  // namespace macfit::study
