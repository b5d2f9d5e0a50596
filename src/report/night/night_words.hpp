#pragma once

#include <string>
#include <vector>

#include "macfit/study/night.hpp"

namespace macfit::report {

/// "By 07:00: 1,240 completions on two workers, 310 on the pipeline."
[[nodiscard]] std::string night_answer(const study::NightResult& result);
/// "1,000 jobs, each 2,000 tokens in and 500 out"; on average where they differ.
[[nodiscard]] std::string jobs_words(const study::NightQuestion& question);
/// How many sequences each worker has at a time, and what one would lose: one or two sentences;
/// empty where there was nothing to choose.
[[nodiscard]] std::string sequences_words(const study::NightResult& result);
/// What so many at a time get done: "1,240, or the list in 6.2 h"; "–" where nothing holds them.
[[nodiscard]] std::string choice_words(const study::NightResult& result,
                                       const study::NightChoice& choice);
[[nodiscard]] std::string choice_tier(const study::NightChoice& choice);
/// "macfit launch …", with the context and the sequences that the night was played with.
[[nodiscard]] std::string launch_words(const study::NightResult& result);
/// "checkpoint after every job; restarts by itself; 10,000 nights, seed 1".
[[nodiscard]] std::string rules_words(const study::NightQuestion& question);
/// "reboot: once in 60 days a node, back after 5 min (estimated)".
[[nodiscard]] std::vector<std::string> fault_lines(const study::NightQuestion& question);
/// How to split a list over unequal workers, and what that is worth; empty where it doesn't matter.
[[nodiscard]] std::string split_words(const study::NightResult& result,
                                      const study::NightPlacement& placement);
/// "The list is done in 6.2 h."; empty for an endless one.
[[nodiscard]] std::string finish_words(const study::NightPlacement& placement);
/// "17 days"; "–" for never.
[[nodiscard]] std::string fault_gap(const study::NightPlacement& placement);
/// "2.6 kWh", or "not known".
[[nodiscard]] std::string energy_words(const study::NightPlacement& placement);
/// "6.2 h", "12 min", "45 s".
[[nodiscard]] std::string span_words(double seconds);

}  // namespace macfit::report
