#include "macfit/report/compare/compare_formats.hpp"
#include "macfit/report/table/table.hpp"

namespace macfit::report {

std::string differences_csv(const CompareAnswer& answer, const Context&) {
  Table table({{"what"}, {answer.a}, {answer.b}, {"change"}});
  for (const Difference& one : answer.differences) {
    table.add({one.what, one.before, one.after, one.change});
  }
  return table.csv();
}

}  // namespace macfit::report
