// What differs between two saved plans, figure by figure.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "macfit/core/dump_json.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/compare/compare_report.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {
namespace {

using PlainJson = nlohmann::json;

/// How a figure is shown and how its change is.
enum class Unit : unsigned char { text, count, tokens, bytes, share, rate, seconds };

const PlainJson& at(const PlainJson& json, std::string_view pointer) {
  static const PlainJson nothing;
  const PlainJson::json_pointer where{std::string(pointer)};
  return json.contains(where) ? json.at(where) : nothing;
}

std::string shown(const PlainJson& value, Unit unit) {
  if (value.is_null()) {
    return "-";
  }
  if (value.is_string()) {
    return printable(value.get<std::string>());
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  if (!value.is_number()) {
    return printable(value.dump(-1, ' ', false, PlainJson::error_handler_t::replace));
  }
  const double number = value.get<double>();
  switch (unit) {
    case Unit::bytes:
      return format_gb(Bytes(static_cast<std::int64_t>(number)));
    case Unit::tokens:
      return format_tokens(Tokens(static_cast<std::int64_t>(number)));
    case Unit::share:
      return format_percent(number);
    case Unit::rate:
      return format_rate(number);
    case Unit::seconds:
      return format_duration(number);
    case Unit::text:
    case Unit::count:
      break;
  }
  return format_whole(static_cast<std::int64_t>(number));
}

std::string change(const PlainJson& before, const PlainJson& after, Unit unit) {
  if (!before.is_number() || !after.is_number()) {
    return {};
  }
  const double a = before.get<double>();
  const double b = after.get<double>();
  const char* sign = b < a ? "-" : "+";
  switch (unit) {
    case Unit::bytes:
      return sign + format_gb(Bytes(static_cast<std::int64_t>(std::abs(b - a))));
    case Unit::share:
      return fmt::format("{}{:.0f} points", sign, std::abs(b - a) * 100);
    case Unit::tokens:
    case Unit::rate:
    case Unit::seconds:
      return a > 0 ? fmt::format("{:.2f} times", b / a) : std::string();
    case Unit::text:
    case Unit::count:
      break;
  }
  return sign + format_whole(static_cast<std::int64_t>(std::abs(b - a)));
}

class Comparison {
 public:
  Comparison(const PlainJson& before, const PlainJson& after) : before_(before), after_(after) {}

  std::vector<Difference> run() {
    put("model", "/model/id", Unit::text);
    put("parameters", "/model/parameters", Unit::count);
    put("cluster", "/cluster/spec", Unit::text);
    put("macOS", "/cluster/macos", Unit::text);
    put("memory of all nodes", "/cluster/ram_bytes", Unit::bytes);
    put("context", "/workload/context_tokens", Unit::tokens);
    put("sequences", "/workload/sequences", Unit::count);
    put("cache format", "/workload/kv_format", Unit::text);
    put("prefill step", "/workload/prefill_step", Unit::count);
    put("verdict", "/verdict/kind", Unit::text);
    put("tier", "/verdict/tier", Unit::text);
    const PlainJson& a = winner(before_);
    const PlainJson& b = winner(after_);
    for (const Figure& figure : placement_figures) {
      add(figure.what, at(a, figure.pointer), at(b, figure.pointer), figure.unit);
    }
    nodes(a, b);
    actions();
    tool();
    return std::move(differences_);
  }

 private:
  struct Figure {
    const char* what;
    const char* pointer;
    Unit unit;
  };
  static constexpr Figure placement_figures[] = {
      {"runtime", "/runtime", Unit::text},
      {"split", "/split", Unit::text},
      {"layout", "/layout", Unit::text},
      {"weight format", "/format", Unit::text},
      {"weights", "/weight_bytes", Unit::bytes},
      {"replicas", "/replicas", Unit::count},
      {"fits", "/fits", Unit::text},
      {"GPU limit", "/gpu_limit", Unit::text},
      {"utilization", "/utilization", Unit::share},
      {"longest context", "/max_context_tokens", Unit::tokens},
      {"comfortable context", "/comfortable_context_tokens", Unit::tokens},
      {"decode, tokens/s", "/speed/decode_tokens_per_second/value", Unit::rate},
      {"decode of all, tokens/s", "/speed/aggregate_decode_tokens_per_second/value", Unit::rate},
      {"decode on a short prompt, tokens/s", "/speed/short_decode_tokens_per_second/value",
       Unit::rate},
      {"prefill, tokens/s", "/speed/prefill_tokens_per_second/value", Unit::rate},
      {"time to first token", "/speed/time_to_first_token_seconds/value", Unit::seconds},
  };

  /// The placement that wins, or where none does the one that lacks least.
  static const PlainJson& winner(const PlainJson& plan) {
    static const PlainJson nothing;
    for (const char* which : {"/verdict/placement", "/verdict/nearest"}) {
      const PlainJson& index = at(plan, which);
      if (index.is_number_unsigned() && at(plan, "/placements").is_array() &&
          index.get<std::size_t>() < plan["placements"].size()) {
        return plan["placements"][index.get<std::size_t>()];
      }
    }
    return nothing;
  }

  void add(const std::string& what, const PlainJson& a, const PlainJson& b, Unit unit) {
    if (a != b) {
      differences_.push_back({what, shown(a, unit), shown(b, unit), change(a, b, unit)});
    }
  }
  void put(const char* what, const char* pointer, Unit unit) {
    add(what, at(before_, pointer), at(after_, pointer), unit);
  }

  static const PlainJson& node(const PlainJson& placement, std::size_t i) {
    static const PlainJson nothing;
    const PlainJson& list = at(placement, "/nodes");
    return list.is_array() && i < list.size() ? list[i] : nothing;
  }

  void nodes(const PlainJson& a, const PlainJson& b) {
    const auto count = [](const PlainJson& placement) {
      const PlainJson& list = at(placement, "/nodes");
      return list.is_array() ? list.size() : std::size_t{0};
    };
    for (std::size_t i = 0; i < std::max(count(a), count(b)); ++i) {
      const PlainJson& mine = node(a, i);
      const PlainJson& other = node(b, i);
      const PlainJson& named = at(mine, "/name").is_null() ? at(other, "/name") : at(mine, "/name");
      const std::string name = shown(named, Unit::text);
      add(name + ": layers", at(mine, "/layers/count"), at(other, "/layers/count"), Unit::count);
      add(name + ": demand", at(mine, "/demand_bytes"), at(other, "/demand_bytes"), Unit::bytes);
      add(name + ": effective", at(mine, "/effective_bytes"), at(other, "/effective_bytes"),
          Unit::bytes);
      add(name + ": utilization", at(mine, "/utilization"), at(other, "/utilization"), Unit::share);
    }
  }

  void actions() {
    const auto listed = [](const PlainJson& plan) {
      std::vector<std::string> kinds;
      const PlainJson& list = at(plan, "/actions");
      for (const PlainJson& action : list.is_array() ? list : PlainJson::array()) {
        kinds.push_back(shown(at(action, "/kind"), Unit::text));
      }
      return kinds.empty() ? PlainJson(nullptr) : PlainJson(join_words(kinds));
    };
    add("actions", listed(before_), listed(after_), Unit::text);
  }

  void tool() {
    put("version of macfit", "/tool/version", Unit::text);
    put("catalog", "/tool/catalog", Unit::text);
  }

  const PlainJson& before_;
  const PlainJson& after_;
  std::vector<Difference> differences_;
};

JsonDocument read_plan(std::string_view text, std::string_view name) {
  try {
    JsonDocument document = JsonDocument::parse(text);
    JsonObject root = document.root().object();
    const JsonValue schema = root.at("schema");
    if (schema.string() != "macfit.plan/1") {
      throw schema.expected("\"macfit.plan/1\"");
    }
    return document;
  } catch (const Error& error) {
    throw error.in_file(name);
  }
}

}  // namespace

std::vector<Difference> compare_plans(std::string_view before, std::string_view after,
                                      std::string_view before_name, std::string_view after_name) {
  const JsonDocument a = read_plan(before, before_name);
  const JsonDocument b = read_plan(after, after_name);
  return Comparison(a.root().raw(), b.root().raw()).run();
}

std::string differences_text(const std::vector<Difference>& differences, const std::string& a,
                             const std::string& b, const Style& style) {
  if (differences.empty()) {
    return "No difference.\n";
  }
  Table table({{""}, {a}, {b}, {"change", false, true}});
  for (const Difference& one : differences) {
    table.add({one.what, one.before, one.after, one.change});
  }
  return table.text(style, 0);
}

std::string differences_markdown(const std::vector<Difference>& differences, const std::string& a,
                                 const std::string& b) {
  std::string out = "| | ";
  markdown_text(out, a);
  out += " | ";
  markdown_text(out, b);
  out += " | change |\n| --- | --- | --- | --- |\n";
  for (const Difference& one : differences) {
    for (const std::string* cell : {&one.what, &one.before, &one.after, &one.change}) {
      out += "| ";
      markdown_text(out, *cell);
      out += ' ';
    }
    out += "|\n";
  }
  return out;
}

std::string differences_json(const std::vector<Difference>& differences, const std::string& a,
                             const std::string& b) {
  nlohmann::ordered_json result;
  result["schema"] = "macfit.compare/1";
  result["tool"] = {{"name", "macfit"}, {"version", tool_version()}};
  result["before"] = a;
  result["after"] = b;
  result["differences"] = nlohmann::ordered_json::array();
  for (const Difference& one : differences) {
    result["differences"].push_back(
        {{"what", one.what},
         {"before", one.before},
         {"after", one.after},
         {"change", one.change.empty() ? nlohmann::ordered_json(nullptr)
                                       : nlohmann::ordered_json(one.change)}});
  }
  return dump_document(result);
}

}  // namespace macfit::report
