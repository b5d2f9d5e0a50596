// The answer for somebody with ten seconds: yes or no, how much of which memory, how fast, what to
// type. Everything else explains it.

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/text.hpp"
#include "words.hpp"

namespace macfit::plan {
namespace {

class Headline {
 public:
  explicit Headline(const Plan& plan) : plan_(plan), request_(plan.request) {}

  [[nodiscard]] std::string write() const {
    switch (plan_.verdict.kind) {
      case Verdict::Kind::wont_fit:
        return "No: " + shortfall();
      case Verdict::Kind::unsupported:
      case Verdict::Kind::unknown:
        return plan_.verdict.summary;
      default:
        break;
    }
    const Placement& placement = plan_.placements[*plan_.verdict.placement];
    return lead(placement) + holding(placement) + speed(placement);
  }

 private:
  [[nodiscard]] std::string lead(const Placement& placement) const {
    const std::string raised = placement.standing.raised() ? " with the GPU limit raised" : "";
    if (!plan_.verdict.fits) {
      const std::int64_t most = cap_of(plan_);
      const std::int64_t longest = request_.model.architecture.context;
      return fmt::format("Only up to {} tokens{}{}: ",
                         format_tokens(Tokens(most >= 1024 ? most / 1024 * 1024 : most)),
                         longest > 0 && most == longest ? ", where the model ends" : "",
                         raised.empty() ? "" : "," + raised);
    }
    if (!raised.empty()) {
      return "Yes," + raised + ": ";
    }
    if (placement.split == SplitKind::tensor && plan_.verdict.tier == fit::Tier::borderline &&
        fit::is_comfortable(placement.nodes[placement.fullest].parts.demand().count(),
                            placement.nodes[placement.fullest].effective.count())) {
      return "Yes, as a last resort: ";  // over TCP: not memory makes it borderline
    }
    return plan_.verdict.tier == fit::Tier::comfortable ? "Yes, comfortably: "
                                                        : "Yes, with little room: ";
  }

  /// "Mac", or "node" where not all of them are.
  [[nodiscard]] std::string node_word(bool many) const {
    const bool macs = std::all_of(request_.cluster.nodes.begin(), request_.cluster.nodes.end(),
                                  [](const hardware::Node& node) { return node.mac; });
    return std::string(macs ? "Mac" : "node") + (many ? "s" : "");
  }

  [[nodiscard]] std::string holding(const Placement& placement) const {
    const std::size_t all = request_.cluster.nodes.size();
    const std::size_t used = placement.nodes.size();
    std::string text;
    if (placement.split == SplitKind::independent) {
      text = used == 1     ? printable(request_.cluster.nodes[placement.nodes[0].node].name, 64)
             : used == all ? "each " + node_word(false)
                           : fmt::format("each of {} {}", count_word(used), node_word(true));
      text += " holds it whole";
    } else {
      const std::size_t each = used / placement.replicas;
      const std::string together =
          fmt::format("{} {} hold it together as a {}", count_word(each), node_word(true),
                      placement.split == SplitKind::pipeline ? "pipeline" : "tensor split");
      text = placement.replicas == 1
                 ? together
                 : fmt::format("{} {}s of {} {} each", count_word(placement.replicas),
                               placement.split == SplitKind::pipeline ? "pipeline" : "tensor split",
                               count_word(each), node_word(true));
    }
    const NodeBudget& fullest = placement.nodes[placement.fullest];
    const bool alike =
        std::all_of(placement.nodes.begin(), placement.nodes.end(), [&](const NodeBudget& budget) {
          return budget.parts.demand() == fullest.parts.demand() &&
                 budget.effective == fullest.effective;
        });
    return fmt::format("{} in {} ({}{} of {}).", text, printable(placement.format),
                       alike ? "" : "the fullest: ", amount(fullest.parts.demand()),
                       format_gb(fullest.effective));
  }

  /// "45.0" of "45.0 GB".
  [[nodiscard]] static std::string amount(Bytes bytes) {
    const std::string text = format_gb(bytes);
    const std::size_t blank = text.find(' ');
    return text.find("GB") == std::string::npos ? text : text.substr(0, blank);
  }

  [[nodiscard]] static std::string speed(const Placement& placement) {
    if (!placement.speed.decode) {
      return {};
    }
    const Speed& speeds = placement.speed;
    const bool many = speeds.aggregate && speeds.aggregate->value > speeds.decode->value * 1.001;
    const auto words = [&](const speed::Estimate& one, const std::optional<speed::Estimate>& all) {
      return fmt::format(
          "{} tokens/s{}", format_rate(one.value),
          many && all ? fmt::format(" each, {} in total,", format_rate(all->value)) : "");
    };
    // What is the same to a hundredth is one figure.
    if (!speeds.short_decode || speeds.short_decode->value < speeds.decode->value * 1.01) {
      std::string text = " About " + words(*speeds.decode, speeds.aggregate);
      text.erase(text.find_last_not_of(',') + 1);
      return text + ".";
    }
    return fmt::format(" About {} on a short prompt, {} at the end of a full context.",
                       words(*speeds.short_decode, speeds.short_aggregate),
                       format_rate(speeds.decode->value));
  }

  [[nodiscard]] std::string shortfall() const {
    const std::string& why = plan_.verdict.summary;
    constexpr std::string_view marker = " does not fit: ";
    const std::size_t at = why.find(marker);
    return at == std::string::npos ? why : why.substr(at + marker.size());
  }

  const Plan& plan_;
  const Request& request_;
};

}  // namespace

void write_headline(Plan& plan) { plan.verdict.headline = Headline(plan).write(); }

}  // namespace macfit::plan
