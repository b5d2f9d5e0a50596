#include "hub_models.hpp"

#include "folders.hpp"
#include "log.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

#ifdef MACFIT_NETWORK
#include "macfit/hub/remote.hpp"
#include "macfit/hub/stores.hpp"
#include "macfit/read/read_model.hpp"
#endif

namespace macfit::cli {

bool may_be_online(bool offline_flag) {
  const auto set = [](const char* variable) {
    const std::string value = lower(environment(variable));
    return !value.empty() && value != "0" && value != "false" && value != "no" && value != "off";
  };
  return !offline_flag && !set("MACFIT_OFFLINE") && !set("HF_HUB_OFFLINE");
}

#ifdef MACFIT_NETWORK
namespace {

#ifdef __APPLE__
constexpr bool on_mac = true;
#else
constexpr bool on_mac = false;
#endif

std::vector<hub::Store> stores() { return hub::known_stores(environment, on_mac); }

/// The same model under the name it was asked by, and where it was found. `repository`, where it is
/// one, is what a launch folder names.
model::Model named(model::Model model, std::string name, const std::string& where,
                   const std::string& repository) {
  model.id = std::move(name);
  if (hub::parse_reference(repository)) {
    model.repository = repository;
    for (model::PublishedFormat& format : model.formats) {
      format.repository = repository;
    }
  }
  model.architecture_source = where;
  model.notes.push_back("The model was read from the " + where + ".");
  return model;
}

model::Model from_store(const hub::LocalModel& found) {
  std::string where = found.store;
  if (!found.revision.empty()) {
    where += ", commit " + found.revision.substr(0, 12);
  }
  std::string name = found.name;
  if (found.gguf && !found.quant.empty() && name.find(':') == std::string::npos) {
    name += ":" + found.quant;
  }
  tell(name + ": from the " + where);
  return named(read::read_model(found.path), name, where, found.name);
}

std::string cache_for_hub() {
  std::string cache = cache_folder();
  if (cache.empty()) {
    throw Error("there is no folder for a cache: neither XDG_CACHE_HOME nor HOME is set");
  }
  return cache;
}

model::Model from_hub(const hub::Reference& reference, bool network) {
  const std::string cache = cache_for_hub();
  const hub::TransferSettings transfer = hub::settings_from(environment);
  const hub::Fetched fetched = hub::fetch_headers(reference, transfer, {cache, !network});
  const std::string host = transfer.endpoint.substr(transfer.endpoint.find("://") + 3);
  std::string name = reference.name();
  if (const std::string quant = hub::quant_of(fetched.file); !quant.empty()) {
    name += ":" + quant;
  }
  const std::string where = "hub " + host + ", commit " + fetched.commit.substr(0, 12);
  tell(name + ": headers from " + host + " at " + fetched.commit.substr(0, 12) + ", " +
       (fetched.requests == 0
            ? std::string("all in the cache")
            : std::to_string(fetched.requests) + " requests, " + format_gb(Bytes(fetched.bytes))));
  return named(read::read_model(fetched.path), name, where, reference.name());
}

}  // namespace

std::optional<model::Model> model_beyond_catalog(const std::string& name, bool network) {
  const std::optional<hub::Reference> reference = hub::parse_reference(name);
  std::optional<hub::LocalModel> found;
  if (reference) {
    found = hub::find_model(stores(), *reference);
  }
  if (!found) {
    found = hub::find_model(stores(), name);  // Ollama's names may hold a slash too
  }
  if (found && found->complete()) {
    return from_store(*found);
  }
  if (found && (!reference || !network)) {
    throw Error("\"" + printable(name, 120) + "\" is in the " + found->store +
                    ", but not whole: " + found->missing,
                {},
                reference ? "finish its download, or leave out --offline" : "finish its download");
  }
  if (!reference) {
    return std::nullopt;
  }
  return from_hub(*reference, network);
}

Configs configs_on_hub(bool network) {
  return [network](const std::string& name) -> std::optional<std::string> {
    const auto cut = name.find("--");
    const auto reference =
        cut == std::string::npos
            ? std::nullopt
            : hub::parse_reference(name.substr(0, cut) + "/" + name.substr(cut + 2));
    if (!reference) {
      return std::nullopt;
    }
    return hub::fetch_config(*reference, hub::settings_from(environment),
                             {cache_for_hub(), !network});
  };
}

std::vector<StoredModel> models_in_stores() {
  std::vector<StoredModel> models;
  for (const hub::Store& store : stores()) {
    for (const hub::LocalModel& model : hub::list_models(store)) {
      models.push_back({model.name, model.store, model.quant, model.path.string(), model.size,
                        model.gguf, model.missing});
    }
  }
  return models;
}

#else
namespace {

Error not_built(const char* what) {
  return Error(std::string("this macfit was built without the network's rooms "
                           "(-DMACFIT_NETWORK=OFF), which know ") +
               what);
}

}  // namespace

std::optional<model::Model> model_beyond_catalog(const std::string&, bool) { return std::nullopt; }

std::vector<StoredModel> models_in_stores() { throw not_built("stores"); }

Configs configs_on_hub(bool) { throw not_built("hubs"); }

#endif

}  // namespace macfit::cli
