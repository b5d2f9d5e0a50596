#pragma once

#include <memory>
#include <string>
#include <vector>

#include "macfit/run/answer.hpp"
#include "macfit/run/job.hpp"
#include "macfit/run/night.hpp"
#include "stack.hpp"
#include "transfers.hpp"

namespace macfit::run {

/// Throws Error where something answers, but no server of completions: starting or waiting would
/// not help.
void refuse_stranger(const std::string& url, const Answer& answer);

/// Asks every worker once for a completion, to see which run already: an outcome for each.
[[nodiscard]] std::vector<Outcome> look(Transfers& transfers,
                                        const std::vector<WorkerReport>& workers,
                                        const std::vector<std::unique_ptr<Tunnel>>& tunnels,
                                        const Job& ready, const NightWatch& watch);

}  // namespace macfit::run
