#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/core/text.hpp"
#include "macfit/plan/measure.hpp"
#include "setup.hpp"

namespace macfit::launch {
namespace {

/// Text that stays within one cell of a Markdown table, and means nothing there.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_{}[]<>|#!").find(c) != std::string_view::npos) {
      result += '\\';
    }
    result += c;
  }
  return result;
}

/// Code that a backtick can't end.
std::string code_block(const std::string& text) { return "\n    " + text + "\n"; }

std::string plan_command(const plan::Request& request) {
  std::string command = "macfit plan";
  for (const auto& [flag, value] : request.flags) {
    command += " " + flag + (value.empty() ? "" : " " + shell_word(value));
  }
  return command;
}

void nodes_table(const Setup& setup, std::string& text) {
  text += "## Nodes\n\n| node | machine | role | needs | may use | to download |\n";
  text += "| --- | --- | --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < setup.nodes.size(); ++i) {
    const UsedNode& used = setup.nodes[i];
    const hardware::Node& node = setup.cluster().nodes[used.node];
    const plan::NodeBudget& budget = setup.placement->nodes[i];
    std::string role = "the whole model";
    if (setup.placement->split == plan::SplitKind::tensor) {
      role = "every layer, a part of each";
    } else if (setup.placement->split == plan::SplitKind::pipeline) {
      role = budget.layer_count == 1 ? fmt::format("layer {}", budget.first_layer)
                                     : fmt::format("layers {} to {}", budget.first_layer,
                                                   budget.first_layer + budget.layer_count - 1);
    }
    if (setup.replicas.size() > 1 && setup.sharded()) {
      role += fmt::format(" (replica {})", used.replica + 1);
    }
    text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", cell(used.name),
                        cell(node.machine_label), role, format_gb(used.demand),
                        format_gb(budget.effective), format_gb(used.download));
  }
  for (const std::size_t idle : setup.placement->idle) {
    text += fmt::format("\n{} stays idle.\n", cell(setup.cluster().nodes[idle].name));
  }
}

void cables_table(const Setup& setup, std::string& text) {
  if (setup.cables.empty()) {
    return;
  }
  text +=
      "\n## Cables\n\nOne Thunderbolt cable per line, each a subnet of its own (netmask "
      "255.255.255.252), numbered as `mlx.distributed_config` does. Never two cables between the "
      "same two nodes. If your own network uses 192.168.0.x or 192.168.1.x, choose others in "
      "settings.sh.\n\n| cable | from | address | to | address |\n"
      "| --- | --- | --- | --- | --- |\n";
  for (std::size_t i = 0; i < setup.cables.size(); ++i) {
    const AddressedCable& cable = setup.cables[i];
    text += fmt::format("| {} | {} | {} | {} | {} |\n", i + 1, cell(setup.nodes[cable.first].name),
                        cable.first_address, cell(setup.nodes[cable.second].name),
                        cable.second_address);
  }
  if (setup.launched_by("mlx-lm")) {
    text += "\nMLX can find the cables itself and write the hostfile anew:\n";
    for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
      std::string hosts;
      for (const std::size_t at : setup.replicas[r].ranks) {
        hosts += (hosts.empty() ? "" : ",") + setup.nodes[at].ssh;
      }
      text += code_block(fmt::format(
          "mlx.distributed_config --hosts {} --over thunderbolt --backend {} --auto-setup "
          "--output-hostfile hostfile{}.json",
          shell_word(hosts), runtime::backend_name(setup.backend),
          setup.replicas.size() > 1 ? fmt::format("-{}", r + 1) : ""));
    }
    if (setup.placement->split == plan::SplitKind::pipeline) {
      text += "\nKeep the order of its hosts: the first is rank 0, with the last layers.\n";
    }
  }
}

void steps(const Setup& setup, std::string& text) {
  int step = 0;
  text += "\n## In this order\n\n";
  const auto say = [&](const std::string& words) {
    text += fmt::format("{}. {}\n", ++step, words);
  };
  say("Fill in what is marked `@EDIT-...@` in `settings.sh`: what macfit can't know.");
  if (setup.rdma()) {
    say("Once per Mac: boot to Recovery, Terminal, `rdma_ctl enable`, reboot. It can't be done "
        "remotely. `ibv_devices` must then list `rdma_enX`.");
  }
  if (!setup.cables.empty()) {
    say("After every reboot: `./addresses.sh` (bridge down, an address per cable); `--print` shows "
        "the commands instead.");
  }
  if (setup.raises_limit()) {
    say("After every reboot: `./limits.sh` raises the GPU limit on:");
    for (const UsedNode& node : setup.nodes) {
      if (node.wired_mb > 0) {
        text += fmt::format("   - {}: `sudo sysctl iogpu.wired_limit_mb={}`\n", cell(node.name),
                            node.wired_mb);
      }
    }
  }
  say("`./preflight.sh`: every line must say pass. It changes nothing.");
  say("`./run.sh` starts it and says what fails (code 1), `./run.sh stop` ends it. What the nodes "
      "keep for it stands in `~/.macfit` of theirs.");
  say("`spike.md` and `spike.sh`: measure before you trust a night to it.");
  say("`macfit run . --soak 2h` proves it, `macfit run . --jobs jobs.jsonl --until 07:00` has the "
      "jobs done (it starts the servers itself).");
}

void running(const Setup& setup, std::string& text) {
  text += "\n## What run.sh runs\n";
  for (const std::string& line : command_lines(setup)) {
    text += code_block(line);
  }
  if (setup.launched_by("exo")) {
    text +=
        "\nEXO must run on every node. It chooses nodes and layers itself, by free memory alone: "
        "run.sh asks first whether it would place it so, waits until its runners are ready, and "
        "compares nodes and layers with the plan.\n";
  } else if (setup.sharded()) {
    text += fmt::format(
        "\nThe server listens on 127.0.0.1:{} of {}{}.\n", setup.facts().http_port,
        cell(setup
                 .nodes[setup.launched_by("llama.cpp") ? setup.replicas.front().ranks.back()
                                                       : setup.replicas.front().ranks.front()]
                 .name),
        setup.launched_by("mlx-lm") && setup.placement->split == plan::SplitKind::pipeline
            ? ", rank 0, which holds the last layers"
            : "");
  }
  if (const plan::Measurement measurement =
          plan::measurement_of(setup.plan->request, *setup.placement);
      !measurement.full.empty()) {
    text += "\nThe planned speeds can be checked on a node while nothing else runs there";
    text += measurement.brief.empty() ? ":\n" : ", on a full context and on a short prompt:\n";
    text += code_block(measurement.full);
    text += measurement.brief.empty() ? "" : code_block(measurement.brief);
  }
  if (!setup.placement->how.empty()) {
    text += fmt::format("\nThe split is not the runtime's own: {}.\n", cell(setup.placement->how));
  }
  if (setup.placement->split == plan::SplitKind::independent && setup.nodes.size() > 1) {
    text += fmt::format(
        "\nEach worker serves on 127.0.0.1:{} of its node; `macfit run` reaches them all, each "
        "takes "
        "its next job when it has done the last, so unlike Macs balance by themselves.\n",
        setup.facts().http_port);
  }
  text += fmt::format(
      "\nKeep prompt plus answer within {} tokens, {} at a time: that is what was planned{}.\n",
      format_whole(setup.context), setup.plan->request.workload.sequences,
      setup.placement->standing.fits() ? "" : " (less than was asked: more does not fit)");
}

}  // namespace

void add_readme(const Setup& setup, std::vector<File>& files) {
  const plan::Plan& plan = *setup.plan;
  std::string text = fmt::format(
      "# {} on {}\n\n{}\n\n{}, {}, under {}, as {}. Planned with:\n{}\n",
      cell(plan.request.model.id), cell(plan.request.cluster.spec), cell(plan.verdict.summary),
      plan::verdict_name(plan.verdict.kind, plan.verdict.workers),
      fit::tier_name(plan.verdict.tier), setup.placement->runtime->name(),
      cell(setup.placement->format), code_block(plan_command(plan.request)));
  if (!setup.problems.empty()) {
    text += "## In the way\n\n";
    for (const runtime::TopologyProblem& problem : setup.problems) {
      text += fmt::format("- **{}**{}: {}. Remedy: {}.\n", problem.code,
                          problem.fatal ? "" : " (not fatal)", cell(problem.text),
                          cell(problem.remedy));
    }
    text += "\n";
  }
  nodes_table(setup, text);
  cables_table(setup, text);
  steps(setup, text);
  running(setup, text);
  text += "\nHow it can fail and what helps: `macfit runtimes show " +
          setup.placement->runtime->name() + "`.\n";
  files.push_back({"README.md", 0644, text});
}

}  // namespace macfit::launch
