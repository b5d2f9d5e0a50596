#include "macfit/fit/tier.hpp"

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::fit {

std::string_view tier_name(Tier tier) noexcept {
  switch (tier) {
    case Tier::comfortable:
      return "comfortable";
    case Tier::borderline:
      return "borderline";
    case Tier::not_practical:
      break;
  }
  return "not-practical";
}

Tier parse_tier(std::string_view name) {
  for (const Tier tier : {Tier::comfortable, Tier::borderline, Tier::not_practical}) {
    if (same_name(name, tier_name(tier))) {
      return tier;
    }
  }
  throw unknown_name("tier", name, {"comfortable", "borderline", "not-practical"}, {},
                     "known are comfortable, borderline and not-practical");
}

}  // namespace macfit::fit
