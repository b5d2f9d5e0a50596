// What llama.cpp's loader reports of weights and caches against the library's.

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "llama_rows_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/model/gguf/gguf.hpp"
#include "macfit/model/gguf/shape.hpp"
#include "published_file_json.hpp"

namespace macfit::verify {
namespace {

using Json = nlohmann::json;
using model::Architecture;
using model::GgufWeights;

using DeviceBytes = std::map<std::string, std::int64_t>;

model::Recipe mixture(const std::string& name) {
  const auto known = model::find_gguf_mixture(name);
  if (!known) {
    throw Error("llama.cpp has no mixture \"" + printable(name) + "\" that macfit knows");
  }
  model::Recipe recipe;
  recipe.name = *known;
  recipe.kind = model::Recipe::Kind::gguf;
  return recipe;
}

model::GgmlType type_of(const Json& object, const char* key) {
  const std::string name = text_of(object, key);
  const auto type = model::find_ggml_type(name.empty() ? "f16" : name);
  if (!type) {
    throw Error(std::string("\"") + key + "\" is no type of ggml's: " + printable(name));
  }
  return *type;
}

std::vector<std::string> device_names(const Json& object) {
  std::vector<std::string> names;
  for (const Json& name : list_of(object, "layer_dev")) {
    names.push_back(name.is_string() ? name.get<std::string>() : "");
  }
  return names;
}

/// Weights per device when layers go to the devices that `devices` names, the output layer last.
DeviceBytes place(const GgufWeights& w, const std::vector<std::string>& devices) {
  const std::size_t layers = w.layout.layers.size();
  // One entry a layer, MTP layers included, then the output.
  if (devices.size() < layers + 1) {
    throw Error(fmt::format("\"layer_dev\" names {} devices for {} layers and the output",
                            devices.size(), layers));
  }
  DeviceBytes bytes;
  for (std::size_t i = 0; i < layers; ++i) {
    bytes[devices[i]] += w.layout.layers[i].total.count();
  }
  for (auto& [device, sum] : bytes) {
    sum += w.per_device.count();
  }
  const bool host_only = devices.back() == "CPU";
  bytes[devices.back()] += (w.layout.head + w.layout.other_global - w.per_device).count() +
                           (host_only ? 0 : w.tied_duplicate.count());
  bytes["CPU"] += w.host_bytes.count();
  return bytes;
}

/// Everything on a device in one list, absent ones 0.
void add_devices(calibrate::Comparison& comparison, const std::string& id, const char* class_name,
                 const DeviceBytes& published, DeviceBytes own) {
  for (const auto& [device, bytes] : published) {
    comparison.add(id + " on " + printable(device), class_name, static_cast<double>(bytes),
                   static_cast<double>(own[device]));
    own.erase(device);
  }
  for (const auto& [device, bytes] : own) {
    if (bytes != 0) {
      comparison.add(id + " on " + printable(device), class_name, 0.0, static_cast<double>(bytes),
                     "the file lists nothing there");
    }
  }
}

void compare_types(calibrate::Comparison& comparison, const std::string& id,
                   const GgufWeights& weights, const Json& published) {
  std::map<std::string, GgufWeights::TypeTotal> own;
  for (const auto& [type, total] : weights.by_type) {
    own[std::string(model::ggml_type_info(type).name)] = total;
  }
  for (const auto& [name, total] : published.items()) {
    const std::string type = id + " " + printable(name);
    if (const auto bytes = whole_of(total, "bytes")) {
      comparison.add(type, "weights-by-type", static_cast<double>(*bytes),
                     own[name].bytes.as_double());
    }
    if (const auto tensors = whole_of(total, "tensors")) {
      comparison.add(type + " tensors", "tensors-by-type", static_cast<double>(*tensors),
                     static_cast<double>(own[name].tensors));
    }
    own.erase(name);
  }
  for (const auto& [name, total] : own) {
    comparison.add(id + " " + name, "weights-by-type", 0.0, total.bytes.as_double(),
                   "the file lists no such type");
  }
}

/// Names of tensors without "blk.N.", and the layers that hold each type.
using LayersByType = std::map<std::string, std::map<std::string, std::vector<std::int64_t>>>;

LayersByType layers_by_type(const Architecture& architecture, const std::string& name) {
  const auto tensors = model::gguf_tensors(architecture);
  const auto types = model::gguf_types(architecture, tensors, name);
  LayersByType result;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::string tensor = tensors[i].name;
    if (tensors[i].layer >= 0) {
      tensor.erase(0, tensor.find('.', 4) + 1);
    }
    result[tensor][std::string(model::ggml_type_info(types[i]).name)].push_back(tensors[i].layer);
  }
  return result;
}

/// 1 where every tensor of a name has the type that the file says.
void compare_layer_types(calibrate::Comparison& comparison, const std::string& id,
                         const Architecture& architecture, const std::string& name,
                         const Json& published) {
  if (published.empty()) {
    return;
  }
  LayersByType own = layers_by_type(architecture, name);
  for (const auto& [tensor, types] : published.items()) {
    const auto& mine = own[tensor];
    bool same = true;
    if (types.is_string()) {
      same = mine.size() == 1 && mine.count(types.get<std::string>()) == 1;
    } else if (types.is_object()) {
      same = mine.size() == types.size();
      for (const auto& [type, unused] : types.items()) {
        const auto found = mine.find(type);
        std::size_t at = 0;
        // Lists may be cut after so many layers.
        for (const Json& layer : list_of(types, type.c_str())) {
          same = same && found != mine.end() && at < found->second.size() &&
                 whole_of(layer) == found->second[at];
          ++at;
        }
      }
    } else {
      comparison.skip(id + " " + printable(tensor), "not understood: " + shown(types));
      continue;
    }
    comparison.add(id + " type of " + printable(tensor), "tensor-types", 1.0, same ? 1.0 : 0.0);
  }
}

DeviceBytes device_bytes(const Json& object) {
  DeviceBytes bytes;
  for (const auto& [device, value] : object.items()) {
    if (const auto whole = whole_of(value)) {
      bytes[device] = *whole;
    }
  }
  return bytes;
}

void compare_weights(calibrate::Comparison& comparison, const std::string& id,
                     const Architecture& architecture, const Json& entry) {
  const auto parameters = whole_of(entry, "n_params_total");
  if (parameters) {
    comparison.guarded(id + " n_params_total", [&] {
      const auto tensors = model::gguf_tensors(architecture);
      std::int64_t sum = 0;
      for (const model::GgufTensor& tensor : tensors) {
        sum += tensor.elements();
      }
      comparison.add(id + " n_params_total", "parameters", static_cast<double>(*parameters),
                     static_cast<double>(sum));
    });
  }
  for (const auto& [name, row] : object_of(entry, "weights").items()) {
    const std::string quant = id + " " + printable(name);
    comparison.guarded(quant, [&, &ftype = name, &figures = row] {
      const GgufWeights weights = model::gguf_weights(architecture, mixture(ftype));
      if (const auto bytes = whole_of(figures, "tensor_bytes")) {
        comparison.add(quant, "weights", static_cast<double>(*bytes),
                       weights.file_bytes.as_double());
      } else {
        comparison.skip(quant, "no tensor_bytes");
      }
      if (const Json& types = object_of(figures, "by_type"); !types.empty()) {
        compare_types(comparison, quant, weights, types);
      }
      compare_layer_types(comparison, quant, architecture, ftype,
                          object_of(figures, "layer_types"));
      for (const auto& [profile, device] : object_of(figures, "devices").items()) {
        const std::string where = quant + " " + printable(profile);
        const Json& bytes = object_of(device, "model_bytes");
        if (bytes.empty()) {
          comparison.skip(where, "no bytes per device are stated");
          continue;
        }
        comparison.guarded(where, [&, &d = device] {
          add_devices(comparison, where, "weights-on-device", device_bytes(bytes),
                      place(weights, device_names(d)));
        });
        if (const auto shares = profile_shares(profile); !shares.empty()) {
          comparison.guarded(where + " layers", [&, &d = device] {
            compare_llama_placement(comparison, where, architecture, ftype, device_names(d),
                                    shares);
          });
        }
      }
    });
  }
}

model::LlamaCacheOptions cache_options(const Json& c) {
  constexpr std::int64_t most = std::int64_t{1} << 40;
  const auto flag = [&](const char* key, bool fallback) {
    const Json* value = member(c, key);
    return value == nullptr      ? fallback
           : value->is_boolean() ? value->get<bool>()
                                 : whole_of(*value).value_or(0) != 0;
  };
  model::LlamaCacheOptions options;
  options.context = Tokens(need_whole(c, "n_ctx", 1, most));
  options.parallel = member(c, "n_parallel") != nullptr ? need_whole(c, "n_parallel", 1, 65536) : 1;
  options.unified = flag("kv_unified", false);
  options.key_type = type_of(c, "type_k");
  options.value_type = type_of(c, "type_v");
  options.ubatch = member(c, "n_ubatch") != nullptr ? need_whole(c, "n_ubatch", 1, most) : 512;
  options.swa_full = flag("swa_full", false);
  options.flash_attention = flag("fa", true);
  return options;
}

std::string case_name(const Json& c) {
  return fmt::format("{} {} n_ctx {} {}/{} fa {} parallel {}{}{}{}", printable(text_of(c, "ftype")),
                     printable(text_of(c, "profile")), whole_of(c, "n_ctx").value_or(0),
                     printable(text_of(c, "type_k")), printable(text_of(c, "type_v")),
                     whole_of(c, "fa").value_or(1), whole_of(c, "n_parallel").value_or(1),
                     whole_of(c, "kv_unified").value_or(0) != 0 ? " unified" : "",
                     whole_of(c, "n_ubatch").value_or(512) != 512
                         ? fmt::format(" ubatch {}", whole_of(c, "n_ubatch").value_or(0))
                         : "",
                     whole_of(c, "swa_full").value_or(0) != 0 ? " swa-full" : "");
}

/// Devices that share every layer ("metal2_tensor": 2), or 1.
std::int64_t tensor_devices(const Json& c) {
  const std::string profile = text_of(c, "profile");
  if (!profile.ends_with("_tensor")) {
    return 1;
  }
  if (const Json& devices = object_of(c, "dev_alloc"); !devices.empty()) {
    return static_cast<std::int64_t>(devices.size());
  }
  const std::size_t at = profile.find_first_of("0123456789");
  return at == std::string::npos ? 1 : profile[at] - '0';
}

/// What one case of a model is run on.
struct Setting {
  std::vector<std::string> layer_devices;  ///< empty: not stated
  std::int64_t shares = 1;                 ///< devices that share every layer
};

bool failed(const Json& c) {
  const Json* error = member(c, "error");
  return error != nullptr && *error != false;
}

void compare_cache(calibrate::Comparison& comparison, const std::string& id,
                   const Architecture& architecture, const Json& c, const Setting& setting) {
  const model::LlamaCacheOptions options = cache_options(c);
  if (failed(c)) {
    try {
      (void)model::llama_cache(architecture, options);
      comparison.add(id + " refused", "refusals", 1.0, 0.0);
    } catch (const Error& error) {
      comparison.add(id + " refused", "refusals", 1.0, 1.0, error.message());
    }
    return;
  }
  const model::LlamaCache cache = model::llama_cache(architecture, options);
  if (member(c, "buffers") == nullptr) {
    comparison.skip(id, "no buffers are stated");
    return;
  }
  DeviceBytes published;
  std::int64_t sum = 0;
  for (const Json& buffer : list_of(c, "buffers")) {
    if (const std::int64_t bytes = whole_of(buffer, "context").value_or(0); bytes != 0) {
      std::int64_t& device = published[text_of(buffer, "buft")];
      device = checked_add(device, bytes);
      sum = checked_add(sum, bytes);
    }
  }
  // A tensor split reports what one of its devices holds.
  comparison.add(id, "kv", static_cast<double>(checked_mul(sum, setting.shares)),
                 cache.total().as_double());
  int index = 0;
  for (const Json& part : list_of(c, "kv")) {
    const std::string order = ++index > 1 ? fmt::format(" {}", index) : "";
    if (const auto cells = whole_of(part, "cells"); cells && *cells > 0) {
      const bool sliding = *cells == cache.sliding_cells && *cells != cache.cells;
      comparison.add(id + (sliding ? " sliding cells" : " cells") + order, "kv-cells",
                     static_cast<double>(*cells),
                     static_cast<double>(sliding ? cache.sliding_cells : cache.cells));
    }
  }
  if (setting.shares > 1 || setting.layer_devices.size() < cache.layers.size()) {
    return;
  }
  DeviceBytes own;
  for (std::size_t i = 0; i < cache.layers.size(); ++i) {
    own[setting.layer_devices[i]] += cache.layers[i].count();
  }
  add_devices(comparison, id, "kv-on-device", published, std::move(own));
}

/// Weights of a tensor split: what is mirrored counts once a device.
void compare_tensor_split(calibrate::Comparison& comparison, const std::string& id,
                          const Architecture& architecture, const Json& c, std::int64_t shares) {
  const Json& devices = object_of(c, "dev_alloc");
  if (shares < 2 || devices.empty()) {
    return;
  }
  const GgufWeights w = model::gguf_weights(architecture, mixture(text_of(c, "ftype")));
  std::int64_t mirrored = (w.layout.other_global + w.tied_duplicate).count();
  std::int64_t split = w.layout.head.count();
  for (const model::LayerBytes& layer : w.layout.layers) {
    mirrored += layer.replicated.count();
    split += (layer.total - layer.replicated).count();
  }
  std::int64_t sum = 0;
  for (const auto& [device, bytes] : devices.items()) {
    sum = checked_add(sum, whole_of(bytes, "model").value_or(0));
  }
  comparison.add(id + " weights of all devices", "weights-tensor-split", static_cast<double>(sum),
                 static_cast<double>(checked_add(checked_mul(mirrored, shares), split)));
}

void compare_cases(calibrate::Comparison& comparison, const std::string& id,
                   const Architecture& architecture, const Json& entry) {
  const Json& cases = list_of(entry, "cases");
  if (cases.empty()) {
    return;
  }
  std::map<std::string, int> seen;
  for (const Json& c : cases) {
    std::string name = id + " " + case_name(c);
    if (const int again = ++seen[name]; again > 1) {
      name += fmt::format(" ({})", again);
    }
    Setting setting;
    setting.shares = tensor_devices(c);
    const Json& row = object_of(object_of(entry, "weights"), text_of(c, "ftype").c_str());
    const Json& device = object_of(object_of(row, "devices"), text_of(c, "profile").c_str());
    setting.layer_devices = device_names(device);
    comparison.guarded(name, [&] { compare_cache(comparison, name, architecture, c, setting); });
    comparison.guarded(name + " weights", [&] {
      compare_tensor_split(comparison, name, architecture, c, setting.shares);
    });
  }
  compare_llama_compute(comparison, id, architecture, cases, false);
}

Architecture shape_of(const Json& shape) {
  return model::architecture_from_gguf_shape(shape.dump());
}

/// The shape that a row states or that the file has by the row's "model"; null where neither.
const Json* shape_named(const Json& root, const Json& row) {
  if (const Json* own = member(row, "shape")) {
    return own;
  }
  const std::string model = text_of(row, "model");
  for (const char* key : {"models", "shapes"}) {
    const Json* all = member(root, key);
    const Json* entry = all != nullptr ? member(*all, model.c_str()) : nullptr;
    if (entry != nullptr) {
      const Json* shape = member(*entry, "shape");
      return shape != nullptr ? shape : entry;
    }
  }
  return nullptr;
}

void compare_rpc(calibrate::Comparison& comparison, const Json& root, const Json& row,
                 std::size_t index) {
  const std::string model = text_of(row, "model");
  const std::string id =
      fmt::format("rpc {} {} {}", index + 1, printable(model), printable(text_of(row, "ftype")));
  const Json* shape = shape_named(root, row);
  const Json& cases = list_of(row, "cases");
  if (shape == nullptr || cases.empty()) {
    comparison.skip(id, shape == nullptr ? "the file has no shape of this model" : "no cases");
    return;
  }
  comparison.guarded(id, [&] {
    const Architecture architecture = shape_of(*shape);
    Setting setting;
    if (text_of(row, "split_mode") == "tensor") {
      setting.shares = static_cast<std::int64_t>(list_of(row, "rpc_mem_MiB").size());
    } else {
      setting.layer_devices = device_names(row);
      comparison.guarded(id + " layers", [&] {
        std::vector<double> shares;
        const Json& stated = list_of(row, "tensor_split");
        for (const Json& share : stated.empty() ? list_of(row, "rpc_mem_MiB") : stated) {
          shares.push_back(share.is_number() ? share.get<double>() : 0.0);
        }
        compare_llama_placement(comparison, id, architecture, text_of(row, "ftype"),
                                setting.layer_devices, shares);
      });
      compare_llama_compute(comparison, id, architecture, cases, true);
    }
    std::map<std::string, int> seen;
    for (const Json& c : cases) {
      const std::string label = text_of(c, "id");
      std::string name = id + " " + (label.empty() ? case_name(c) : printable(label));
      if (const int again = ++seen[name]; again > 1) {
        name += fmt::format(" ({})", again);
      }
      comparison.guarded(name, [&] { compare_cache(comparison, name, architecture, c, setting); });
      if (setting.layer_devices.empty() || failed(c)) {
        continue;
      }
      comparison.guarded(name + " weights", [&] {
        // Host memory is read or mapped: one figure either way.
        DeviceBytes published;
        for (const Json& buffer : list_of(c, "buffers")) {
          const std::string name_of = text_of(buffer, "buft");
          std::int64_t& device = published[name_of.starts_with("CPU") ? "CPU" : name_of];
          device = checked_add(device, whole_of(buffer, "model").value_or(0));
        }
        add_devices(comparison, name + " weights", "weights-on-device", published,
                    place(model::gguf_weights(architecture, mixture(text_of(row, "ftype"))),
                          setting.layer_devices));
      });
    }
  });
}

void compare_block_sizes(calibrate::Comparison& comparison, const Json& blocks) {
  for (const auto& [name, block] : blocks.items()) {
    const std::string id = "block " + printable(name);
    const auto type = model::find_ggml_type(name);
    const auto length = whole_of(block, "block_len");
    const auto bytes = whole_of(block, "block_bytes");
    if (!type || !length || !bytes) {
      comparison.skip(id, type ? "no block_len and block_bytes" : "no such type is known");
      continue;
    }
    const model::GgmlTypeInfo& info = model::ggml_type_info(*type);
    comparison.add(id + " length", "block-sizes", static_cast<double>(*length), info.block);
    comparison.add(id + " bytes", "block-sizes", static_cast<double>(*bytes), info.block_bytes);
  }
}

}  // namespace

bool compare_llama(calibrate::Comparison& comparison, const Json& root) {
  const Json& models = object_of(root, "models");
  const Json& rpc = list_of(root, "rpc");
  const Json& blocks = object_of(root, "block_sizes");
  if (models.empty() && rpc.empty() && blocks.empty()) {
    return false;
  }
  compare_block_sizes(comparison, blocks);
  for (const auto& [name, entry] : models.items()) {
    const std::string id = printable(name);
    const Json* shape = member(entry, "shape");
    if (shape == nullptr) {
      comparison.skip(id, "the entry has no shape");
      continue;
    }
    const std::size_t before = comparison.rows();
    comparison.guarded(id, [&, &figures = entry] {
      const Architecture architecture = shape_of(*shape);
      compare_weights(comparison, id, architecture, figures);
      compare_cases(comparison, id, architecture, figures);
    });
    if (comparison.rows() == before) {
      comparison.skip(id, "the entry has no figure");
    }
  }
  std::size_t index = 0;
  for (const Json& row : rpc) {
    compare_rpc(comparison, root, row, index++);
  }
  index = 0;
  for (const Json& row : list_of(root, "fit")) {
    const std::string id = fmt::format("fit {} {}", ++index, printable(text_of(row, "model")));
    if (const Json* shape = shape_named(root, row)) {
      compare_llama_fit(comparison, id, *shape, row);
    } else {
      comparison.skip(id, "the file has no shape of this model");
    }
  }
  return true;
}

}  // namespace macfit::verify
