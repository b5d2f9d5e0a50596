#include <algorithm>
#include <memory>
#include <sstream>

#include "commands.hpp"
#include "files.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/plan.hpp"
#include "macfit/report/compare/compare_formats.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "options.hpp"
#include "paths.hpp"

namespace macfit::cli {
namespace {

struct CompareFlags {
  Common common;
  RequestFlags request;
  std::vector<std::string> sides;
};

constexpr const char* compare_footer = R"(
A side is a plan saved by macfit plan --format json, or what a request changes, in quotes. Flags
beside the two hold for both.

Examples:
  macfit compare --model glm-4.5 'nodes=2x128' 'nodes=1x512'
  macfit compare --model glm-4.5 --nodes 2x128 'context=8k' 'context=64k kv=q8'
  macfit compare before.json after.json
)";

const std::vector<std::string> compare_formats = report::format_names(report::compare_formats);

/// "nodes=1x512 kv=q8" over the flags that both sides share.
RequestFlags changed(RequestFlags flags, const std::string& side) {
  CLI::App parser;
  RequestFlags mine;
  add_request(parser, mine, NodesLeftOut::asked);
  std::vector<std::string> words;
  std::istringstream stream(side);
  for (std::string word; stream >> word;) {
    const std::size_t name = word.find_first_not_of('-');
    if (name == std::string::npos || word.find('=') == std::string::npos) {
      throw Error("found \"" + printable(word) + "\" in a side, expected a name and a value", {},
                  "a side is a saved plan, or words such as nodes=2x128 context=32k");
    }
    words.push_back("--" + word.substr(name));
  }
  for (CLI::Option* option : parser.get_options()) {
    option->required(false);
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : parser.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      known.push_back(name);
    }
  }
  for (const std::string& word : words) {
    const std::string name = word.substr(2, word.find('=') - 2);
    if (parser.get_option_no_throw("--" + name) == nullptr || name == "help") {
      throw unknown_name("part of a request", name, known, {}, "known are " + join_words(known));
    }
  }
  std::reverse(words.begin(), words.end());
  try {
    parser.parse(words);
  } catch (const CLI::ParseError& error) {
    throw Error("\"" + printable(side) + "\": " + error.what());
  }
  const auto take = [](std::string& into, const std::string& from) {
    if (!from.empty()) {
      into = from;
    }
  };
  take(flags.model, mine.model);
  take(flags.quant, mine.quant);
  take(flags.context, mine.context);
  take(flags.sequences, mine.sequences);
  take(flags.kv, mine.kv);
  take(flags.runtime, mine.runtime);
  take(flags.split, mine.split);
  take(flags.layers, mine.layers);
  take(flags.prefill_step, mine.prefill_step);
  take(flags.cluster.nodes, mine.cluster.nodes);
  take(flags.cluster.macos, mine.cluster.macos);
  take(flags.cluster.wired_limit, mine.cluster.wired_limit);
  take(flags.cluster.reserve, mine.cluster.reserve);
  take(flags.cluster.cluster_reserve, mine.cluster.cluster_reserve);
  take(flags.cluster.link, mine.cluster.link);
  return flags;
}

std::string plan_of(const std::string& side, const RequestFlags& shared, const Catalogs& catalogs) {
  if (is_path(side)) {
    note_input(side);
    return read_text(side);
  }
  const RequestFlags flags = changed(shared, side);
  if (flags.model.empty() || flags.cluster.nodes.empty()) {
    throw Error(
        "\"" + printable(side) + "\": " + (flags.model.empty() ? "model" : "nodes") + " is missing",
        {}, "name it in the side, or as a flag for both");
  }
  return report::plan_json(plan::make_plan(make_request(flags, catalogs)));
}

int compare_command(const CompareFlags& flags) {
  check_format(flags.common, compare_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const std::string& a = flags.sides.at(0);
  const std::string& b = flags.sides.at(1);
  const report::CompareAnswer answer{
      report::compare_plans(plan_of(a, flags.request, catalogs),
                            plan_of(b, flags.request, catalogs), a, b),
      a, b};
  deliver(flags.common,
          report::write(report::compare_formats, flags.common.format, answer, {style, {}, {}}));
  return 0;
}

}  // namespace

Action add_compare(CLI::App& app) {
  auto flags = std::make_shared<CompareFlags>();
  app.add_option("sides", flags->sides, "Two saved plans or requests")
      ->expected(2)
      ->required()
      ->type_name("PLAN|REQUEST");
  add_request(app, flags->request, NodesLeftOut::may_stand);
  app.get_option("--model")->required(false);
  add_common(app, flags->common, compare_formats);
  app.footer(compare_footer);
  return [flags] { return compare_command(*flags); };
}

}  // namespace macfit::cli
