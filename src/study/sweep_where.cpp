// Conditions on rows, and the front of rows that none beats.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/portable.hpp"
#include "macfit/core/text.hpp"
#include "macfit/study/sweep.hpp"

namespace macfit::study {
namespace {

/// "32k" where tokens are meant, "100GB" where bytes are, "85%" where a share is.
double number_of(const Column& column, std::string_view text) {
  if (column.name.ends_with("_bytes")) {
    const bool negative = !text.empty() && text.front() == '-';
    const double bytes = parse_bytes(negative ? text.substr(1) : text).as_double();
    return negative ? -bytes : bytes;
  }
  if (column.name.ends_with("context") && text != "0") {
    return parse_tokens(text).as_double();
  }
  const bool percent = !text.empty() && text.back() == '%';
  const std::string digits(trim(percent ? text.substr(0, text.size() - 1) : text));
  double value = 0.0;
  const auto [end, code] = parse_decimal(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) {
    throw Error(
        fmt::format("{} is compared with a number, found \"{}\"", column.name, printable(text)));
  }
  return percent ? value / 100.0 : value;
}

bool flag_of(const Column& column, std::string_view text) {
  for (const std::string_view yes : {"yes", "true", "1"}) {
    if (same_name(text, yes)) {
      return true;
    }
  }
  for (const std::string_view no : {"no", "false", "0"}) {
    if (same_name(text, no)) {
      return false;
    }
  }
  throw Error(fmt::format("{} is yes or no, found \"{}\"", column.name, printable(text)));
}

std::optional<double> value_of(const Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) {
    return static_cast<double>(*whole);
  }
  if (const auto* real = std::get_if<double>(&cell)) {
    return *real;
  }
  if (const auto* flag = std::get_if<bool>(&cell)) {
    return *flag ? 1.0 : 0.0;
  }
  return std::nullopt;
}

/// The number that a value of a column which is no text stands for.
double figure_of(const Column& column, std::string_view value) {
  switch (column.kind) {
    case CellKind::tier:
      return static_cast<double>(fit::parse_tier(value));
    case CellKind::flag:
      return flag_of(column, value) ? 1.0 : 0.0;
    default:
      return number_of(column, value);
  }
}

/// Splits at commas and at the word `and`.
std::vector<std::string_view> conditions_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::string_view rest : macfit::split(text, ',')) {
    std::size_t from = 0;
    for (std::size_t i = 0; i + 5 <= rest.size();) {
      if (rest[i] == ' ' && rest[i + 4] == ' ' && same_name(rest.substr(i + 1, 3), "and")) {
        parts.push_back(rest.substr(from, i - from));
        from = i + 5;
        i = from;
      } else {
        ++i;
      }
    }
    parts.push_back(rest.substr(from));
  }
  return parts;
}

}  // namespace

std::optional<Where::Condition> Where::parse_flag(std::string_view text) {
  Condition condition;
  condition.compare = Operator::equal;
  condition.number = 1.0;
  if (text.size() > 4 && same_name(text.substr(0, 4), "not ")) {
    condition.number = 0.0;
    text = trim(text.substr(4));
  }
  for (std::size_t i = 0; i < sweep_columns().size(); ++i) {
    if (sweep_columns()[i].kind == CellKind::flag && same_name(sweep_columns()[i].name, text)) {
      condition.column = i;
      return condition;
    }
  }
  return std::nullopt;
}

Where::Condition Where::parse_one(std::string_view text) {
  const std::size_t at = text.find_first_of("=!<>");
  if (at == std::string_view::npos) {
    if (const std::optional<Condition> flag = parse_flag(text)) {
      return *flag;
    }
  }
  if (at == std::string_view::npos || (text[at] == '!' && text.substr(at, 2) != "!=")) {
    throw Error(fmt::format("\"{}\" compares nothing", printable(text)), {},
                "a condition is a column, one of = != < <= > >=, and a value: "
                "tier>=borderline and context>=32k; or a column of yes and no: fits, not fits");
  }
  std::size_t length = text.substr(at + 1, 1) == "=" ? 2 : 1;
  constexpr std::array<std::pair<std::string_view, Operator>, 7> operators = {{
      {"=", Operator::equal},
      {"==", Operator::equal},
      {"!=", Operator::unequal},
      {"<", Operator::less},
      {"<=", Operator::at_most},
      {">", Operator::more},
      {">=", Operator::at_least},
  }};
  Condition condition;
  const std::string_view sign = text.substr(at, length);
  condition.compare = std::find_if(operators.begin(), operators.end(), [&](const auto& one) {
                        return one.first == sign;
                      })->second;
  condition.column = find_column(trim(text.substr(0, at)));
  const Column& column = sweep_columns()[condition.column];
  std::string_view value = trim(text.substr(at + length));
  const bool equality =
      condition.compare == Operator::equal || condition.compare == Operator::unequal;
  if (value.empty()) {
    if (!equality) {
      throw Error(fmt::format("\"{}\" compares with nothing", printable(text)));
    }
    condition.none = true;
    return condition;
  }
  if (column.kind != CellKind::text) {
    condition.number = figure_of(column, value);
    return condition;
  }
  if (!equality) {
    throw Error(fmt::format("{} is a text: it is compared by = and != only", column.name));
  }
  condition.text = value;
  return condition;
}

Where Where::parse(std::string_view text) {
  Where where;
  if (trim(text).empty()) {
    return where;
  }
  for (const std::string_view part : conditions_of(text)) {
    where.conditions_.push_back(parse_one(trim(part)));
  }
  return where;
}

bool Where::keeps(const SweepRow& row) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    const Cell found = cell(row, condition.column);
    const bool nothing = std::holds_alternative<std::monostate>(found);
    if (condition.none) {
      return nothing == (condition.compare == Operator::equal);
    }
    if (nothing) {
      return condition.compare == Operator::unequal;
    }
    const CellKind kind = sweep_columns()[condition.column].kind;
    if (kind == CellKind::text) {
      return same_name(std::get<std::string_view>(found), condition.text) ==
             (condition.compare == Operator::equal);
    }
    const double value =
        kind == CellKind::tier ? static_cast<double>(row.tier) : value_of(found).value_or(0.0);
    switch (condition.compare) {
      case Operator::equal:
        return value == condition.number;
      case Operator::unequal:
        return value != condition.number;
      case Operator::less:
        return value < condition.number;
      case Operator::at_most:
        return value <= condition.number;
      case Operator::more:
        return value > condition.number;
      case Operator::at_least:
        return value >= condition.number;
    }
    return false;
  });
}

void Where::add_needs(Needs& needs) const {
  for (const Condition& condition : conditions_) {
    add_need(condition.column, needs);
  }
}

Front::Front(std::string_view columns) {
  for (const std::string_view name : macfit::split(columns, ',')) {
    const std::size_t column = find_column(trim(name));
    if (sweep_columns()[column].better == Better::neither) {
      std::vector<std::string> able;
      for (const Column& one : sweep_columns()) {
        if (one.better != Better::neither) {
          able.emplace_back(one.name);
        }
      }
      throw Error(fmt::format("{} is neither better larger nor better smaller",
                              sweep_columns()[column].name),
                  {}, "a front can be made of " + join_words(able));
    }
    columns_.push_back(column);
  }
  values_.resize(columns_.size());
}

void Front::add(const SweepRow& row) {
  if (!row.fits) {
    return;
  }
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = sweep_columns()[columns_[i]];
    const Cell found = cell(row, columns_[i]);
    const std::optional<double> value = column.kind == CellKind::tier
                                            ? std::optional(static_cast<double>(row.tier))
                                            : value_of(found);
    if (!value) {
      return;
    }
    values_[i] = column.better == Better::more ? *value : -*value;
  }
  const auto covers = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x >= y; });
  };
  // Rows come by index, and equal ones give way to the first.
  for (const Member& member : members_) {
    if (covers(member.values, values_)) {
      return;
    }
  }
  members_.erase(std::remove_if(members_.begin(), members_.end(),
                                [&](const Member& one) { return covers(values_, one.values); }),
                 members_.end());
  members_.push_back({values_, row});
}

std::vector<SweepRow> Front::take() {
  std::vector<SweepRow> rows;
  for (Member& member : members_) {
    rows.push_back(std::move(member.row));
  }
  members_.clear();
  std::sort(rows.begin(), rows.end(),
            [](const SweepRow& a, const SweepRow& b) { return a.index < b.index; });
  return rows;
}

void Front::add_needs(Needs& needs) const {
  for (const std::size_t column : columns_) {
    add_need(column, needs);
  }
}

}  // namespace macfit::study
