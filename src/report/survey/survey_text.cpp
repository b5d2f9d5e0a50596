// A survey as text, Markdown and CSV.

#include <array>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "macfit/report/survey/survey_report.hpp"
#include "macfit/report/table/csv.hpp"
#include "macfit/report/table/table.hpp"
#include "survey_groups.hpp"

namespace macfit::report {
namespace {

std::string verdict_of(const study::SweepRow& row) {
  return row.known ? plan::verdict_name(row.kind, row.workers) : std::string();
}

std::string context_of(const study::SweepRow& row) {
  if (!row.placed) {
    return {};
  }
  const std::int64_t tokens =
      row.max_context >= 1024 ? row.max_context / 1024 * 1024 : row.max_context;
  return format_tokens(Tokens(tokens));
}

std::string best_of(const study::SurveyEntry& entry) {
  if (!entry.best) {
    return {};
  }
  return fmt::format("{}, {}", entry.best->recipe.name,
                     format_percent(entry.best->row.utilization));
}

std::vector<std::string> cells(const study::SurveyEntry& entry, const std::string& way) {
  const study::SweepRow& row = entry.smallest.row;
  return {printable(entry.model),
          entry.parameters > 0 ? format_parameters(entry.parameters) : std::string(),
          way,
          entry.smallest.recipe.name,
          row.placed ? row.runtime->name() : std::string(),
          row.placed ? format_percent(row.utilization) : std::string(),
          context_of(row),
          row.speed.decode ? format_rate(row.speed.decode->value) : std::string(),
          best_of(entry),
          printable(entry.note, 400)};
}

std::string heading(const Survey& survey) {
  return fmt::format("{} models on {} at {} tokens{}", survey.entries.size(),
                     printable(survey.cluster.spec), format_tokens(survey.workload.context),
                     survey.workload.sequences > 1
                         ? fmt::format(", {} sequences", survey.workload.sequences)
                         : std::string());
}

}  // namespace

std::string way_of(const study::SweepRow& row) {
  if (!row.placed) {
    return {};
  }
  const std::size_t each = row.workers > 0 ? row.nodes_used / row.workers : row.nodes_used;
  if (row.split == plan::SplitKind::independent) {
    return fmt::format("{} worker{}", row.workers, row.workers == 1 ? "" : "s");
  }
  const std::string shard = fmt::format("{} of {}", plan::split_name(row.split), each);
  return row.workers > 1 ? fmt::format("{} × {}", row.workers, shard) : shard;
}

std::string survey_text(const Survey& survey, const Style& style) {
  std::string out = paint(style, Paint::bold, heading(survey)) + "\n";
  for (const SurveyGroupInfo& info : survey_groups) {
    const fit::Tier tier = info.color;
    Table table({{"model"},
                 {"size", true},
                 {"runs as"},
                 {"format", false, true},
                 {"runtime", false, true},
                 {"full", true},
                 {"context", true},
                 {"tok/s", true},
                 {"best comfortable", false, true},
                 {"note", false, info.group == SurveyGroup::comfortable}});
    std::size_t count = 0;
    for (const study::SurveyEntry& entry : survey.entries) {
      if (group_of(entry) == info.group) {
        table.add(cells(entry, way_of(entry.smallest.row)));
        ++count;
      }
    }
    if (count == 0) {
      continue;
    }
    const Paint color = tier == fit::Tier::comfortable  ? Paint::good
                        : tier == fit::Tier::borderline ? Paint::warn
                                                        : Paint::bad;
    out += "\n" + paint(style, color, fmt::format("{} ({})", info.title, count)) + "\n";
    out += table.text(style);
  }
  return encode(style, out);
}

std::string survey_markdown(const Survey& survey) {
  std::string out = "# ";
  markdown_text(out, heading(survey));
  out += '\n';
  for (const SurveyGroupInfo& info : survey_groups) {
    std::string table;
    for (const study::SurveyEntry& entry : survey.entries) {
      if (group_of(entry) != info.group) {
        continue;
      }
      table += "|";
      for (const std::string& cell : cells(entry, verdict_of(entry.smallest.row))) {
        table += ' ';
        markdown_text(table, cell);
        table += " |";
      }
      table += '\n';
    }
    if (!table.empty()) {
      out += fmt::format(
          "\n## {}\n\n| model | size | verdict | format | runtime | full | context | tok/s | best "
          "comfortable | note |\n| --- | ---: | --- | --- | --- | ---: | ---: | ---: | --- | --- "
          "|\n{}",
          info.title, table);
    }
  }
  return out;
}

std::string survey_csv(const Survey& survey) {
  std::string out =
      "model,parameters,active_parameters,tier,format,bits,published,below_production,verdict,"
      "runtime,split,nodes_used,gpu_limit,fits,utilization,max_context,comfortable_context,"
      "decode_tokens_per_second,speed_evidence,best_format,best_utilization,best_max_context,"
      "best_decode_tokens_per_second,measured,reason,note";
  out += csv_end;
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  for (const study::SurveyEntry& entry : survey.entries) {
    const study::SweepRow& row = entry.smallest.row;
    const auto placed = [&](const std::string& text) { return row.placed ? text : std::string(); };
    csv_text(out, entry.model);
    out += fmt::format(",{},{},{},", entry.parameters, entry.active_parameters,
                       row.has_tier() ? fit::tier_name(row.tier) : std::string_view());
    csv_text(out, entry.smallest.recipe.name);
    out += fmt::format(",{:.4f},{},{},", entry.smallest.bits, flag(entry.published),
                       flag(entry.below_production));
    csv_text(out, verdict_of(row));
    out += fmt::format(
        ",{},{},{},{},{},{},{},{},", row.placed ? row.runtime->name() : "",
        placed(std::string(plan::split_name(row.split))), placed(std::to_string(row.nodes_used)),
        placed(row.raised ? "raised" : "default"), flag(row.fits),
        placed(fmt::format("{:.4f}", row.utilization)), placed(std::to_string(row.max_context)),
        placed(std::to_string(row.comfortable_context)));
    const auto rate = [](const study::SweepRow& of) {
      return of.speed.decode ? fmt::format("{:.4f}", of.speed.decode->value) : std::string();
    };
    out += fmt::format(
        "{},{},", rate(row),
        row.speed.decode ? evidence_name(row.speed.decode->evidence) : std::string_view());
    if (entry.best) {
      csv_text(out, entry.best->recipe.name);
      out += fmt::format(",{:.4f},{},{},", entry.best->row.utilization, entry.best->row.max_context,
                         rate(entry.best->row));
    } else {
      out += ",,,,";
    }
    out += fmt::format("{},", flag(entry.measured));
    csv_text(out, row.reason);
    out += ',';
    csv_text(out, entry.note);
    out += csv_end;
  }
  return out;
}

}  // namespace macfit::report
