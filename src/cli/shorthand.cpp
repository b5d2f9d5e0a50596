#include "shorthand.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "macfit/core/text.hpp"

namespace macfit::cli {
namespace {

bool is_flag(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), word) != known.end();
}

/// "--ctx=32k" as "--context=32k".
void write_out_flag(std::string& word) {
  struct Habit {
    std::string_view typed;
    std::string_view meant;
  };
  static constexpr std::array<Habit, 4> habits = {{{"--ctx", "--context"},
                                                   {"--ctx-size", "--context"},
                                                   {"--context-length", "--context"},
                                                   {"--json", "--format=json"}}};
  const std::string name = word.substr(0, word.find('='));
  for (const Habit& habit : habits) {
    if (name == habit.typed) {
      word.replace(0, name.size(), habit.meant);
    }
  }
}

}  // namespace

std::vector<std::string> written_out(std::vector<std::string> words) {
  std::for_each(words.begin(), words.end(), write_out_flag);
  if (words.empty()) {
    return words;
  }
  const std::string first = words.front().substr(0, words.front().find('='));
  if (is_one_of(first, {"--model", "-m", "--nodes", "-n"})) {
    words.insert(words.begin(), "plan");
  } else if (first == "plan") {
    for (const char* flag : {"--model", "--nodes"}) {
      const std::size_t at = flag[2] == 'm' ? 1 : 3;
      if (words.size() <= at || is_flag(words[at])) {
        break;
      }
      words.insert(words.begin() + static_cast<std::ptrdiff_t>(at), flag);
    }
  }
  return words;
}

void add_show(std::vector<std::string>& words, const CLI::App& app) {
  if (words.size() < 2 || is_flag(words[1])) {
    return;
  }
  std::vector<std::string> own;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == words[0]) {
      for (const CLI::App* child : command->get_subcommands([](const CLI::App*) { return true; })) {
        own.push_back(child->get_name());
      }
    }
  }
  if (std::find(own.begin(), own.end(), "show") != own.end() && nearest(words[1], own, 1).empty()) {
    words.insert(words.begin() + 1, "show");
  }
}

}  // namespace macfit::cli
