#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/launch/launch.hpp"

namespace macfit::launch {
namespace {

/// The assignments of a settings.sh, whole lines by name. A value that goes on in a next line is
/// kept whole.
std::map<std::string, std::string, std::less<>> assignments(std::string_view text) {
  std::map<std::string, std::string, std::less<>> found;
  std::string* open = nullptr;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t end = line.find('=');
    const bool names = end != std::string_view::npos && end > 0 &&
                       line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == end;
    if (names) {
      open = &(found[std::string(line.substr(0, end))] = line);
    } else if (open != nullptr && !line.empty() && line[0] != '#') {
      *open += "\n" + std::string(line);
    } else {
      open = nullptr;
    }
  }
  return found;
}

struct Kept {
  std::string_view name;
  std::string_view of;  ///< kept only where both files say the same of this
};
/// What a person fills in.
constexpr std::array<Kept, 11> kept = {{{"SSH", {}},
                                        {"LAN", {}},
                                        {"PORT_A", "CABLE_A"},
                                        {"PORT_B", "CABLE_B"},
                                        {"ADDRESS_A", "CABLE_A"},
                                        {"ADDRESS_B", "CABLE_B"},
                                        {"MODEL", "PLANNED"},
                                        {"SERVER", "RUNTIME"},
                                        {"HTTP_PORT", "RUNTIME"},
                                        {"RING_PORT", "RUNTIME"},
                                        {"RPC_PORT", "RUNTIME"}}};

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

}  // namespace

std::string keep_settings(const std::string& settings, const std::string& older) {
  const auto now = assignments(settings);
  const auto then = assignments(older);
  const auto same = [&](std::string_view name) {
    const auto a = now.find(name);
    const auto b = then.find(name);
    return a != now.end() && b != then.end() && a->second == b->second;
  };
  if (!same("NAMES")) {
    throw Error("its settings.sh is filled in for other nodes", {},
                "another --output, or take settings.sh away first");
  }
  std::string text = settings;
  for (const Kept& one : kept) {
    const auto fresh = now.find(one.name);
    const auto filled = then.find(one.name);
    if (fresh == now.end() || filled == then.end() || (!one.of.empty() && !same(one.of))) {
      continue;
    }
    const std::size_t at = text.find("\n" + fresh->second + "\n");
    if (at != std::string::npos) {
      text.replace(at + 1, fresh->second.size(), filled->second);
    }
  }
  return text;
}

Old old_file(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 12> written = {
      "README.md", "settings.sh", "common.sh", "preflight.sh", "addresses.sh", "limits.sh",
      "model.sh",  "run.sh",      "spike.sh",  "spike.md",     "workers.json", "stopped"};
  if (std::find(written.begin(), written.end(), name) != written.end()) {
    return Old::written;
  }
  // One for each replica, and what run.sh made of it.
  const bool numbered = name.starts_with("hostfile") || name.starts_with("place_instance") ||
                        name.starts_with("serve_split");
  if (numbered && ends_with_any(name, {".json", ".py"})) {
    return Old::written;
  }
  if (name == "state.json" || name == "exo.instances" ||
      ends_with_any(name, {".log", "results.jsonl", ".status.json"})) {
    return Old::result;
  }
  return Old::foreign;
}

}  // namespace macfit::launch
