// llama.cpp's compute buffers, placements and --fit against the library's.

#include <algorithm>
#include <charconv>
#include <map>

#include <fmt/format.h>

#include "llama_rows_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/gguf/shape.hpp"
#include "macfit/runtime/catalog.hpp"
#include "macfit/runtime/llama_fit.hpp"
#include "macfit/runtime/llama_graph.hpp"
#include "macfit/runtime/runtime.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t most_tokens = std::int64_t{1} << 40;
constexpr std::size_t most_devices = 64;

runtime::LlamaContext context_of(const Json& c) {
  const auto count = [&](const char* key, std::int64_t least, std::int64_t fallback) {
    return member(c, key) != nullptr ? need_whole(c, key, least, most_tokens) : fallback;
  };
  runtime::LlamaContext context;
  context.context = need_whole(c, "n_ctx", 1, most_tokens);
  context.parallel = count("n_parallel", 1, 1);
  context.unified = count("kv_unified", 0, 0) != 0;
  context.ubatch = count("n_ubatch", 1, context.ubatch);
  context.outputs = count("n_outputs_max", 0, 0);
  context.flash_attention = count("fa", 0, 1) != 0;
  context.quantized_cache = text_of(c, "type_k").starts_with("q");
  return context;
}

/// Why no rule gives a case's buffers; empty where one does.
std::string no_rule(const Json& c) {
  if (const Json* error = member(c, "error"); error != nullptr && *error != false) {
    return "llama.cpp refuses the case";
  }
  if (text_of(c, "profile").find("tensor") != std::string::npos) {
    return "buffers of a tensor split are not predicted";
  }
  if (whole_of(c, "swa_full").value_or(0) != 0) {
    return "buffers of a sliding cache kept in full are not predicted";
  }
  if (text_of(c, "type_k") != text_of(c, "type_v")) {
    return "keys and values of different type: macfit refuses the case";
  }
  return list_of(c, "buffers").empty() ? "no buffers are stated" : "";
}

/// What is allowed for on top is the margin that a plan budgets.
calibrate::Row buffer_row(std::string id, const char* class_name, std::int64_t published,
                          std::int64_t predicted, std::int64_t margin) {
  calibrate::Row row;
  row.id = std::move(id);
  row.class_name = class_name;
  row.published = static_cast<double>(published);
  row.predicted = static_cast<double>(predicted);
  row.low = static_cast<double>(std::max<std::int64_t>(predicted - margin, 0));
  row.high = static_cast<double>(checked_add(predicted, margin));
  if (predicted > published) {
    row.reason = "the rule is on the safe side";
  } else if (predicted < published) {
    row.reason = "the allocator leaves gaps: a plan adds " + format_gb(Bytes(margin));
  }
  return row;
}

void compare_buffers(calibrate::Comparison& comparison, const std::string& id, const Json& c,
                     const runtime::LlamaGraph& graph, bool remote) {
  const runtime::LlamaContext context = context_of(c);
  const bool metal = !remote && text_of(c, "profile").starts_with("metal");
  const std::int64_t margin = runtime::llama_compute_margin(context.ubatch);
  std::vector<std::pair<std::string, std::int64_t>> devices;
  std::int64_t host = 0;
  for (const Json& buffer : list_of(c, "buffers")) {
    const std::int64_t bytes = whole_of(buffer, "compute").value_or(0);
    if (whole_of(buffer, "host").value_or(0) != 0) {
      host = checked_add(host, bytes);
    } else {
      devices.emplace_back(text_of(buffer, "buft"), bytes);
    }
  }
  if (devices.size() > most_devices) {
    throw Error("too many devices");
  }
  const char* const kind = metal ? "compute-metal" : remote ? "compute-rpc" : "compute-generic";
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const runtime::Place place = devices.size() == 1       ? runtime::Place::only
                                 : i == 0                  ? runtime::Place::first
                                 : i + 1 == devices.size() ? runtime::Place::last
                                                           : runtime::Place::middle;
    comparison.add(buffer_row(
        id + " compute on " + printable(devices[i].first), kind, devices[i].second,
        runtime::llama_compute(graph, context,
                               metal ? runtime::DeviceKind::metal : runtime::DeviceKind::generic,
                               place),
        margin));
  }
  comparison.add(buffer_row(id + " compute on the host", "compute-host", host,
                            runtime::llama_host_compute(graph, context, devices.size() > 1),
                            margin));
}

std::string compute_case_name(const Json& c) {
  const std::string label = text_of(c, "id");
  if (!label.empty()) {
    return printable(label);
  }
  return fmt::format("{} {} n_ctx {} {} fa {} parallel {} ubatch {} outputs {}",
                     printable(text_of(c, "ftype")), printable(text_of(c, "profile")),
                     whole_of(c, "n_ctx").value_or(0), printable(text_of(c, "type_k")),
                     whole_of(c, "fa").value_or(1), whole_of(c, "n_parallel").value_or(1),
                     whole_of(c, "n_ubatch").value_or(512),
                     whole_of(c, "n_outputs_max").value_or(0));
}

runtime::Profile profile_of(const model::Architecture& architecture, const std::string& mixture) {
  const auto known = model::find_gguf_mixture(mixture);
  if (!known) {
    throw Error("llama.cpp has no mixture \"" + printable(mixture) + "\" that macfit knows");
  }
  model::Model model;
  model.architecture = architecture;
  model::Recipe recipe;
  recipe.name = *known;
  recipe.kind = model::Recipe::Kind::gguf;
  return runtime::Catalog::embedded()
      .get("llama.cpp")
      .profile(model, recipe, runtime::KvFormat::bf16, 1);
}

/// A share as bytes, fine enough for any ratio.
std::vector<Bytes> free_memory(const std::vector<double>& shares) {
  std::vector<Bytes> bytes;
  for (const double share : shares) {
    if (!(share > 0.0) || share > 1e12 || bytes.size() == most_devices) {
      throw Error("the devices' shares of memory make no sense");
    }
    bytes.emplace_back(static_cast<std::int64_t>(share * 1024.0));
  }
  if (bytes.empty()) {
    throw Error("no device's memory is stated");
  }
  return bytes;
}

/// The number behind "-c " in the line that llama.cpp printed.
std::optional<std::int64_t> fitted_context(const std::string& line) {
  constexpr std::string_view flag = "-c ";
  if (!line.starts_with(flag)) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const char* const first = line.data() + flag.size();
  const auto [end, code] = std::from_chars(first, line.data() + line.size(), value);
  return code == std::errc() && end != first ? std::optional(value) : std::nullopt;
}

}  // namespace

void compare_llama_compute(calibrate::Comparison& comparison, const std::string& id,
                           const model::Architecture& architecture, const Json& cases,
                           bool remote) {
  std::map<std::string, int> skipped;
  std::map<std::string, int> seen;
  const runtime::LlamaGraph graph = runtime::llama_graph(architecture);
  for (const Json& c : cases) {
    if (const std::string why = no_rule(c); !why.empty()) {
      ++skipped[why];
      continue;
    }
    std::string name = id + " " + compute_case_name(c);
    if (const int again = ++seen[name]; again > 1) {
      name += fmt::format(" ({})", again);
    }
    comparison.guarded(name + " compute",
                       [&] { compare_buffers(comparison, name, c, graph, remote); });
  }
  for (const auto& [why, count] : skipped) {
    comparison.skip(fmt::format("{}: compute buffers of {} cases", id, count), why);
  }
}

void compare_llama_placement(calibrate::Comparison& comparison, const std::string& id,
                             const model::Architecture& architecture, const std::string& mixture,
                             const std::vector<std::string>& devices,
                             const std::vector<double>& shares) {
  const runtime::Profile profile = profile_of(architecture, mixture);
  const std::vector<std::int64_t> split =
      runtime::Catalog::embedded()
          .get("llama.cpp")
          .default_split(static_cast<std::int64_t>(profile.layers), free_memory(shares),
                         profile.unloaded_layers);
  std::vector<std::string> names;
  for (const std::string& device : devices) {
    if (names.empty() || names.back() != device) {
      names.push_back(device);
    }
  }
  if (names.size() != split.size() || devices.size() < profile.layers) {
    throw Error(fmt::format("\"layer_dev\" names {} devices in a row, and {} were divided by",
                            names.size(), split.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    // Layers that are not loaded and the output stand behind the last.
    const auto end = devices.begin() + static_cast<std::ptrdiff_t>(profile.layers);
    const auto count = std::count(devices.begin(), end, names[i]);
    comparison.add(id + " layers on " + printable(names[i]), "layers-on-device",
                   static_cast<double>(count), static_cast<double>(split[i]));
  }
}

std::vector<double> profile_shares(const std::string& profile) {
  const std::vector<std::string_view> parts = split(profile, '_');
  constexpr std::string_view metal = "metal";
  if (parts.empty() || !parts.front().starts_with(metal) || parts.back() == "tensor") {
    return {};
  }
  const auto number = [](std::string_view text) {
    unsigned value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size() ? value : 0U;
  };
  const unsigned count = number(parts.front().substr(metal.size()));
  if (count == 0 || count > most_devices) {
    return {};
  }
  if (parts.size() == 1 || parts[1] == "equal") {
    return std::vector<double>(count, 1.0);
  }
  std::vector<double> shares;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    shares.push_back(number(parts[i]));
  }
  return shares.size() == count ? shares : std::vector<double>{};
}

void compare_llama_fit(calibrate::Comparison& comparison, const std::string& id, const Json& shape,
                       const Json& row) {
  const auto published = fitted_context(text_of(row, "fitted"));
  if (!published) {
    comparison.skip(id, "no context is stated: " + shown(row.value("fitted", Json())));
    return;
  }
  comparison.guarded(id, [&] {
    std::vector<Bytes> memory;
    for (const Json& mebibytes : list_of(row, "rpc_mem_MiB")) {
      memory.push_back(Bytes(mib) * whole_of(mebibytes).value_or(0));
    }
    if (memory.empty() || memory.size() > most_devices) {
      throw Error("no device's memory is stated");
    }
    const runtime::Profile profile =
        profile_of(model::architecture_from_gguf_shape(shape.dump()), text_of(row, "ftype"));
    std::int64_t own = runtime::llama_fit_context(profile, memory);
    std::string reason;
    const Json& arguments = list_of(row, "args");
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
      if (arguments[i] == "-c" && arguments[i + 1].is_string()) {
        own = fitted_context("-c " + arguments[i + 1].get<std::string>()).value_or(own);
        reason = "a stated context is never changed";
      }
    }
    comparison.add(id, "fit-context", static_cast<double>(*published), static_cast<double>(own),
                   reason);
  });
}

}  // namespace macfit::verify
