#include <algorithm>
#include <exception>
#include <iostream>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "commands.hpp"
#include "files.hpp"
#include "help_text.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/report/plan/plan_report.hpp"
#include "options.hpp"
#ifdef MACFIT_NETWORK
#include "run_jobs.hpp"
#endif
#include "shorthand.hpp"

namespace macfit::cli {
namespace {

constexpr const char* examples = R"(
Examples:
  macfit plan --model 230b-q4 --nodes 2x128
      Does a 230B model at 4 bit run on two 128 GB Macs, and how?
  macfit plan --model llama-3.1-70b --nodes m4-max-128+m4-pro-64 --context 32k
      A catalog model on two unequal Macs, with a longer context.
  macfit plan --model minimax-m2.5 --nodes 2x128 --link tb5-rdma --require comfortable
      Exit code 1 unless it fits comfortably: for scripts and CI.
  macfit plan --model qwen3-235b-a22b --nodes 4x64 --format json | jq .verdict
  macfit models list          macfit models show gpt-oss-120b
  macfit hardware list        macfit hardware show 2x128

Exit codes: 0 done (whatever the verdict), 1 what was required does not hold, 2 bad usage or input.
)";

void complain(const std::string& text) { std::cerr << "macfit: " << text << '\n'; }

/// Flags and commands that could have been meant, for a word that is neither.
std::vector<std::string> known_words(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  if (!word.empty() && word[0] == '-') {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        known.push_back("--" + name);
      }
    }
  } else {
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
    }
  }
  return known;
}

/// The innermost command that the line names.
const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
  }
  return *at;
}

std::string command_line_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : command_line_of(*app.get_parent()) + " " + app.get_name();
}

std::string times(std::size_t count) {
  return count == 1 ? "once" : fmt::format("{} times", count);
}

/// CLI11's complaint in macfit's words, where it is one about how often something is given.
std::string reworded(const CLI::App& command, const CLI::ParseError& error) {
  const std::string text = error.what();
  for (const CLI::Option* option : command.get_options()) {
    const bool positional = option->get_positional();
    const std::string what = positional ? option->get_type_name() : option->get_name();
    const auto most = static_cast<std::size_t>(option->get_items_expected_max());
    if (option->count() == 0 && option->get_required()) {
      return what + (positional ? " is missing" : " is required");
    }
    if (text.rfind(option->get_name() + ":", 0) != 0) {
      continue;
    }
    if (option->count() > most || (positional && option->count() < most)) {
      return fmt::format("{} is given {}, expected {}", what, times(option->count()), times(most));
    }
    if (text.find(" missing") != std::string::npos) {
      return what + " needs a value: " + option->get_type_name();
    }
  }
  std::vector<std::string> commands;
  for (const CLI::App* one : command.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(one->get_name());
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !commands.empty()) {
    return commands.size() > 6 ? "a command is missing"
                               : "a command is missing: " + join_words(commands, "or");
  }
  return printable(text, 400);
}

int parse_failed(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const std::string help = "see " + command_line_of(command) + " --help";
  // A word that nothing took explains best why something else is missing.
  const std::vector<std::string> rest = app.remaining(true);
  if (!rest.empty()) {
    const std::string& word = rest.front();
    const bool flag = !word.empty() && word[0] == '-';
    const std::string name = word.substr(0, word.find('='));
    const std::vector<std::string> known = known_words(command, word);
    if (!flag && known.empty()) {
      complain("unexpected word \"" + printable(word) + "\" (" + help + ")");
    } else {
      complain(unknown_name(flag ? "flag" : "command", name, known, {}, help).what());
    }
  } else {
    complain(reworded(command, error) + " (" + help + ")");
  }
  return 2;
}

struct Command {
  CLI::App* app;
  Action (*make)(CLI::App&);
};

std::vector<Command> add_commands(CLI::App& app) {
  std::vector<Command> commands;
  const auto add = [&](const char* name, const char* about, Action (*make)(CLI::App&)) {
    commands.push_back({app.add_subcommand(name, about), make});
  };
  add("plan", "One model on one cluster: fit, split, room and what to type", add_plan);
  add("survey", "Every model of the catalog on one cluster, by tier", add_survey);
  add("sweep", "A grid of what-ifs, streamed as CSV, JSON Lines or a table", add_sweep);
  add("size", "Solve for the longest context, the largest model or the cheapest cluster", add_size);
  add("compare", "Two plans side by side: what differs", add_compare);
  add("models", "The model catalog: list, show, import", add_models);
  add("hardware", "Chips, machines, links, and what a cluster can hold", add_hardware);
  add("runtimes", "What each runtime can do, what it demands, how it fails", add_runtimes);
  add("launch", "The files and commands to run a plan on the machines", add_launch);
#ifdef MACFIT_NETWORK
  add("run", "A job list carried through the night: workers, results, restarts", add_run);
#endif
  add("calibrate", "How fast: constants from measurements, and how far off they are",
      add_calibrate);
  add("night", "What an unattended night gets done, and with what risk", add_night);
  add("breakeven", "When two workers have to become one shard", add_breakeven);
  add("check", "Check model manifests against their declared figures and expectations", add_check);
  add("explain", "What a term, a reason or a problem code means", add_explain);
  add("help", "Commands and topics: exit codes, sizes, nodes, formats, environment", add_help);
  add("completion", "A completion script for bash, zsh or fish", add_completion);
  add("version", "The version of macfit and of its catalog", add_version);
  return commands;
}

/// The commands with their flags. Describing flags takes longer than making a plan: where the line
/// begins with a command, only that one's are, but for help and completion, which go through all.
std::vector<std::pair<CLI::App*, Action>> actions_of(const std::vector<Command>& commands,
                                                     const std::string& first) {
  const bool alone = first != "help" && first != "completion" &&
                     std::any_of(commands.begin(), commands.end(),
                                 [&](const Command& c) { return c.app->get_name() == first; });
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& command : commands) {
    if (!alone || command.app->get_name() == first) {
      actions.emplace_back(command.app, command.make(*command.app));
    }
  }
  return actions;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app(
      "What runs on the Macs you have: tells before the download whether a model fits, "
      "under which split, with how much room, and what to type.",
      "macfit");
  app.require_subcommand(1);
  app.footer(examples);
  app.set_help_flag("--help,-h", "This text");
  app.set_version_flag("--version", "macfit " + report::tool_version(),
                       "The version; macfit version says more");
  app.failure_message([](const CLI::App*, const CLI::Error&) { return std::string(); });

  std::vector<std::string> words = written_out({argv + std::min(argc, 1), argv + argc});
  const std::vector<std::pair<CLI::App*, Action>> actions =
      actions_of(add_commands(app), words.empty() ? "" : words.front());
  add_show(words, app);
  std::reverse(words.begin(), words.end());  // as CLI11 takes them

  try {
    try {
      app.parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
      const CLI::App& command = innermost(app);
      write_out(help_of(command_tree(command), command_line_of(command), style_for({})));
      return 0;
    } catch (const CLI::CallForVersion& version) {
      write_out(version.what() + std::string("\n"));
      return 0;
    } catch (const CLI::ParseError& error) {
      return parse_failed(app, error);
    }
    for (const auto& [command, action] : actions) {
      if (command->parsed()) {
        return action();
      }
    }
  } catch (const Error& error) {
    complain(error.what());
  } catch (const std::bad_alloc&) {
    complain("out of memory");
  } catch (const std::exception& error) {
    complain("an error that should not happen: " + printable(error.what(), 1000));
  }
  return 2;
}

}  // namespace macfit::cli
