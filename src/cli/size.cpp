#include "macfit/study/size.hpp"

#include <memory>

#include "commands.hpp"
#include "macfit/report/size/size_formats.hpp"
#include "options.hpp"

namespace macfit::cli {
namespace {

struct SizeFlags {
  Common common;
  study::SizeQuestion question;
};

constexpr const char* size_footer = R"(
Leave out what you want to find:
  macfit size --model glm-4.5 --nodes 2x128
      The longest context, by placement and cache format.
  macfit size --nodes 2x128 --quant q4 --context 32k
      The largest model, by tier: of any size, and of the catalog.
  macfit size --model glm-4.5 --quant q4 --context 64k --tier comfortable
      The clusters of the catalog that do it, cheapest first.
)";

const std::vector<std::string> size_formats = report::format_names(report::size_formats);

int size_command(const SizeFlags& flags) {
  check_format(flags.common, size_formats);
  const report::Style style = style_for(flags.common);
  const Catalogs catalogs = load_catalogs(flags.common);
  const report::SizeAnswer answer =
      study::answer_size(flags.question, catalogs, finder_of(catalogs));
  deliver(flags.common,
          report::write(report::size_formats, flags.common.format, answer, {style, {}, {}}));
  return 0;
}

}  // namespace

Action add_size(CLI::App& app) {
  auto flags = std::make_shared<SizeFlags>();
  add_request(app, flags->question.flags, NodesLeftOut::asked);
  app.get_option("--model")->required(false);
  app.add_option("--tier", flags->question.tier, "At least: comfortable (default) or borderline")
      ->type_name("TIER");
  app.add_option("--max-nodes", flags->question.most_nodes,
                 "Largest cluster to consider (default 4)")
      ->type_name("N");
  app.add_option("--top", flags->question.top, "Show at most N models or clusters (default 10)")
      ->type_name("N");
  add_common(app, flags->common, size_formats);
  app.footer(size_footer);
  return [flags] { return size_command(*flags); };
}

}  // namespace macfit::cli
