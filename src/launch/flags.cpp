#include "flags.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "macfit/core/shell_word.hpp"
#include "macfit/launch/shell.hpp"

namespace macfit::launch {
namespace {

int kv_bits(const Setup& setup) {
  switch (setup.plan->request.workload.kv) {
    case runtime::KvFormat::q8:
      return 8;
    case runtime::KvFormat::q4:
      return 4;
    default:
      return 0;
  }
}

std::string llama_cache_type(runtime::KvFormat format) {
  switch (format) {
    case runtime::KvFormat::bf16:
      return "f16";
    case runtime::KvFormat::f32:
      return "f32";
    case runtime::KvFormat::q8:
      return "q8_0";
    case runtime::KvFormat::q4:
      return "q4_0";
    default:
      return std::string(runtime::kv_format_name(format));
  }
}

/// The last device of llama.cpp holds the output too, counted as one layer; layers that it does
/// not load (MTP) are counted behind it. The plan's own words hold the numbers where it has some.
std::string tensor_split(const Setup& setup, const Replica& replica) {
  const std::string& how = setup.placement->how;
  constexpr std::string_view flag = "--tensor-split ";
  if (const std::size_t at = how.find(flag);
      at != std::string::npos && setup.replicas.size() == 1) {
    const std::string_view numbers = std::string_view(how).substr(at + flag.size());
    return std::string(numbers.substr(0, numbers.find_first_not_of("0123456789,")));
  }
  std::vector<std::int64_t> layers = replica.layers;
  layers.back() += 1 + setup.plan->request.model.architecture.extras.mtp_layers;
  return comma_list(layers);
}

/// "-hf owner/name:Q4_K_M", or "-m file".
std::string llama_model(const Setup& setup) {
  return setup.model.ends_with(".gguf") ? "-m " + quote_value(setup.model)
                                        : fmt::format("-hf {}:{}", quote_value(setup.model),
                                                      shell_word(setup.placement->format));
}

std::string with_port(const Setup& setup, std::string text) {
  constexpr std::string_view word = "PORT";
  if (const std::size_t at = text.find(word); at != std::string::npos) {
    text.replace(at, word.size(), std::to_string(setup.facts().http_port));
  }
  return text;
}

void mlx_lines(const Setup& setup, std::size_t r, std::vector<std::string>& lines) {
  const std::string model = quote_value(setup.model);
  if (!setup.sharded()) {
    lines.push_back(fmt::format("ssh {} mlx_lm.server --model {} {}",
                                shell_word(setup.nodes[setup.replicas[r].ranks.front()].ssh), model,
                                with_port(setup, mlx_flags(setup, false))));
    return;
  }
  lines.push_back(fmt::format(
      "mlx.launch --backend {} --hostfile {} -- {} --model {} {}",
      runtime::backend_name(setup.backend), numbered(setup, "hostfile", r, ".json"),
      setup.told_split() ? "python3 " + numbered(setup, "serve_split", r, ".py") : "mlx_lm.server",
      model, with_port(setup, mlx_flags(setup, true))));
}

void llama_lines(const Setup& setup, std::size_t r, std::vector<std::string>& lines) {
  const Replica& replica = setup.replicas[r];
  const std::size_t client = replica.ranks.back();
  std::string servers;
  for (std::size_t i = 0; i + 1 < replica.ranks.size() && setup.sharded(); ++i) {
    const std::string address = setup.address(replica.ranks[i], client);
    servers += fmt::format("{}{}:{}", servers.empty() ? "" : ",", address, setup.facts().rpc_port);
    lines.push_back(fmt::format("ssh {} {} -H {} -p {}",
                                shell_word(setup.nodes[replica.ranks[i]].ssh),
                                setup.facts().rpc_server, address, setup.facts().rpc_port));
  }
  const std::string rpc = setup.sharded()
                              ? fmt::format("--rpc {} {} ", servers, llama_split(setup, replica))
                              : std::string();
  lines.push_back(fmt::format("ssh {} llama-server {} {}{}", shell_word(setup.nodes[client].ssh),
                              llama_model(setup), rpc, with_port(setup, llama_flags(setup))));
}

}  // namespace

std::string numbered(const Setup& setup, std::string_view stem, std::size_t replica,
                     std::string_view end) {
  return setup.replicas.size() == 1 ? fmt::format("{}{}", stem, end)
                                    : fmt::format("{}-{}{}", stem, replica + 1, end);
}

std::string comma_list(const std::vector<std::int64_t>& values) {
  std::string text;
  for (const std::int64_t value : values) {
    text += (text.empty() ? "" : ",") + std::to_string(value);
  }
  return text;
}

std::string mlx_flags(const Setup& setup, bool sharded) {
  const runtime::Workload& workload = setup.plan->request.workload;
  std::string flags = "--host 127.0.0.1 --port PORT";
  if (sharded && setup.placement->split == plan::SplitKind::pipeline) {
    flags += " --pipeline";
  }
  flags += fmt::format(" --prefill-step-size {} --decode-concurrency {} --prompt-concurrency {}",
                       workload.prefill_step, workload.sequences,
                       std::min<std::int64_t>(workload.sequences, 8));
  flags += fmt::format(" --prompt-cache-size {}", setup.cache_entries);
  if (const int bits = kv_bits(setup); bits > 0) {
    flags += fmt::format(" --kv-bits {}", bits);
  }
  return flags;
}

std::string mlx_flags_to_check(const Setup& setup) {
  std::string flags = "--prefill-step-size --decode-concurrency --prompt-cache-size";
  flags += kv_bits(setup) > 0 ? " --kv-bits" : "";
  return flags + (setup.placement->split == plan::SplitKind::pipeline ? " --pipeline" : "");
}

std::string llama_flags(const Setup& setup) {
  const runtime::Workload& workload = setup.plan->request.workload;
  const std::string cache = llama_cache_type(workload.kv);
  return fmt::format(
      "-c {} -np {} -ub 512 -fa on -ctk {} -ctv {} -ngl 999 --fit off --host 127.0.0.1 --port PORT",
      setup.context * workload.sequences, workload.sequences, cache, cache);
}

std::string llama_split(const Setup& setup, const Replica& replica) {
  return setup.placement->split == plan::SplitKind::pipeline
             ? "--tensor-split " + tensor_split(setup, replica)
             : "-sm tensor";
}

std::vector<std::string> command_lines(const Setup& setup) {
  std::vector<std::string> lines;
  for (std::size_t r = 0; r < setup.replicas.size(); ++r) {
    if (setup.launched_by("exo")) {
      lines.push_back(fmt::format(
          "curl -X POST http://127.0.0.1:{}/place_instance -H 'Content-Type: application/json' "
          "--data-binary @{}",
          setup.facts().http_port, numbered(setup, "place_instance", r, ".json")));
    } else if (setup.launched_by("mlx-lm")) {
      mlx_lines(setup, r, lines);
    } else {
      llama_lines(setup, r, lines);
    }
  }
  return lines;
}

}  // namespace macfit::launch
