#include <algorithm>

#include <fmt/format.h>

#include "breakeven_words.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/report/breakeven/breakeven_report.hpp"
#include "macfit/report/page/html.hpp"
#include "macfit/report/table/csv.hpp"

namespace macfit::report {
namespace {

std::string whole(const std::optional<std::int64_t>& value) {
  return value ? std::to_string(*value) : std::string();
}

}  // namespace

std::string breakeven_csv(const study::BreakevenResult& result) {
  std::string text =
      "record,format,context_tokens,what,model,parameters,verdict,replicas,runtime,tier,"
      "tokens_per_second,completions_per_hour,completions_per_hour_low,completions_per_hour_high,"
      "completions_per_night,evidence\n";
  const auto limit = [&](const study::Turn& turn, std::string_view what,
                         const std::optional<std::int64_t>& size) {
    text += fmt::format("limit,{},{},{},,{},,,,,,,,,,\n", csv_field(turn.format),
                        turn.context.count(), what, whole(size));
  };
  for (const study::Turn& turn : result.turns) {
    limit(turn, "every node", turn.workers);
    limit(turn, "every node comfortably", turn.comfortable_workers);
    limit(turn, "some node", turn.one_worker);
    limit(turn, "fits", turn.fits);
    limit(turn, "fits comfortably", turn.comfortable);
    limit(turn, "loads", turn.loads);
  }
  for (const study::Run& run : result.runs) {
    const plan::Decision& decision = run.decision;
    const auto figure = [](const std::optional<speed::Estimate>& value,
                           double speed::Estimate::*part) {
      return value ? fmt::format("{}", (*value).*part) : std::string();
    };
    text += fmt::format(
        "run,{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(run.format),
        run.context.count(), csv_field(run.why), csv_field(run.model), whole(run.parameters),
        decision.found() ? plan::split_name(decision.split) : "won't-fit", decision.replicas.size(),
        run.runtime ? run.runtime->name() : "", fit::tier_name(decision.tier),
        figure(run.decode, &speed::Estimate::value), figure(run.per_hour, &speed::Estimate::value),
        figure(run.per_hour, &speed::Estimate::low), figure(run.per_hour, &speed::Estimate::high),
        whole(run.per_night), run.per_hour ? evidence_name(run.per_hour->evidence) : "");
  }
  for (const study::Crossing& crossing : result.crossings) {
    const auto from = [&](std::string_view what, const std::optional<std::int64_t>& size) {
      text +=
          fmt::format("crossing,{},{},{},,{},tensor,1,{},,,,,,,{}\n", csv_field(crossing.format),
                      crossing.context.count(), what, whole(size), crossing.runtime->name(),
                      evidence_name(crossing.samples.back().evidence));
    };
    from("tensor over RDMA beats a pipeline from", crossing.beats_pipeline);
    from("tensor over RDMA beats one node from", crossing.beats_one_node);
  }
  return text;
}

std::string breakeven_svg(const study::BreakevenResult& result) {
  constexpr int left = 150;
  constexpr int row = 26;
  constexpr int room = 560;
  std::int64_t most = 1;
  for (const study::Turn& turn : result.turns) {
    most = std::max({most, turn.loads.value_or(0), turn.fits.value_or(0)});
  }
  const int height = 70 + row * static_cast<int>(result.turns.size());
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\" height=\"{0}\" viewBox=\"0 0 760 "
      "{0}\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{1}</title>\n"
      "<desc>{2}</desc>\n",
      height, html::escape("Largest models on " + result.question.cluster.spec),
      html::escape(breakeven_answer(result)));
  struct Part {
    std::string name;
    const char* color;
  };
  const Part parts[] = {{every_node_words(result.question), "#2f6db3"},
                        {"some node alone", "#6ba3d6"},
                        {"only sharded", "#d98c2b"},
                        {"raised limit or shorter context", "#bbbbbb"}};
  int x = left;
  for (const Part& part : parts) {
    text += fmt::format(
        "<rect x=\"{}\" y=\"12\" width=\"12\" height=\"12\" fill=\"{}\"/>"
        "<text x=\"{}\" y=\"22\">{}</text>\n",
        x, part.color, x + 17, html::escape(part.name));
    x += 40 + static_cast<int>(part.name.size()) * 6;
  }
  int y = 40;
  for (const study::Turn& turn : result.turns) {
    text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", left - 8, y + 14,
                        html::escape(turn.format + ", " + format_tokens(turn.context)));
    const std::optional<std::int64_t> ends[] = {turn.workers, turn.one_worker, turn.fits,
                                                turn.loads};
    double from = 0.0;
    for (std::size_t i = 0; i < std::size(ends); ++i) {
      const double to = room * static_cast<double>(ends[i].value_or(0)) / static_cast<double>(most);
      if (to > from) {
        text += fmt::format(
            "<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"18\" fill=\"{}\"><title>{} up "
            "to {}</title></rect>\n",
            left + from, y, to - from, parts[i].color, html::escape(parts[i].name),
            size_words(ends[i]));
        from = to;
      }
    }
    y += row;
  }
  text += fmt::format(
      "<text x=\"{}\" y=\"{}\">0</text><text x=\"{}\" y=\"{}\" "
      "text-anchor=\"end\">{} parameters</text>\n</svg>\n",
      left, y + 14, left + room, y + 14, size_words(most));
  return text;
}

}  // namespace macfit::report
