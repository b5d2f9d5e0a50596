#include "command_tree.hpp"

namespace macfit::cli {
namespace {

FlagNode flag_of(const CLI::Option& option) {
  FlagNode flag;
  for (const std::string& name : option.get_lnames()) {
    flag.names.push_back("--" + name);
  }
  for (const std::string& name : option.get_snames()) {
    flag.names.push_back("-" + name);
  }
  flag.takes_value = option.get_expected_max() > 0;
  flag.type = flag.takes_value ? option.get_type_name() : std::string();
  flag.about = option.get_description();
  flag.required = option.get_required();
  return flag;
}

}  // namespace

CommandNode command_tree(const CLI::App& app) {
  CommandNode node{app.get_name(), app.get_description(), app.get_footer(), {}, {}, {}};
  for (const CLI::App* above = app.get_parent(); above != nullptr; above = above->get_parent()) {
    if (above->get_footer() == node.footer) {
      node.footer.clear();  // CLI11 hands it down
    }
  }
  for (const CLI::Option* option : app.get_options()) {
    FlagNode flag = flag_of(*option);
    if (option->get_positional()) {
      flag.names = {option->get_name(true)};
      flag.takes_value = true;
      flag.type = option->get_type_name();
      node.arguments.push_back(std::move(flag));
    } else {
      node.flags.push_back(std::move(flag));
    }
  }
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!child->get_name().empty()) {
      node.children.push_back(command_tree(*child));
    }
  }
  return node;
}

}  // namespace macfit::cli
