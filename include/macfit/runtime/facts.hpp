#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/runtime/backend.hpp"

namespace macfit::runtime {

// What runtimes/NAME.json states, reduced to one release of it. docs/runtimes.md has the format.

struct Release {
  std::string version;   ///< "0.32.2"; a commit where the project has no releases
  std::string date;      ///< empty: not known
  std::string commit;    ///< likewise
  std::string built_on;  ///< "mlx-lm@0.31.3": whose classes it runs; empty: its own
};

/// What is known of one class: a model type, for llama.cpp the name of an architecture.
struct ClassFacts {
  bool pipeline = false;
  bool tensor = false;
  std::int64_t collectives = 2;     ///< a layer and token of a tensor split
  bool indexer_values = false;      ///< the indexer's cache holds values as wide as its keys
  bool head_by_vocabulary = false;  ///< an untied head is cut over the vocabulary, logits gathered
  bool dense_only = false;          ///< builds no experts
  bool attention_only = false;      ///< builds no recurrent layers
  std::vector<std::string> eight_bit;  ///< modules that conversion keeps at 8 bit, group 64
};

/// Names and numbers that starting it takes.
struct LaunchFacts {
  std::string launcher;  ///< who writes the files: see launch.hpp
  std::string server;    ///< "llama-server"
  std::string rpc_server;
  std::string install;       ///< a command
  std::string served_model;  ///< what requests name; empty: the model as started
  std::string
      benchmark;  ///< measures one node; {model} or {file} and {prompt} {generated} stand open
  std::string batch_benchmark;  ///< the same for {sequences}, of {context} tokens together
  std::int64_t http_port = 0;
  std::int64_t rpc_port = 0;
  std::vector<std::string> server_flags;  ///< those that it is known to have
};

struct Facts {
  std::string name;   ///< "mlx-lm"
  std::string title;  ///< "EXO"
  std::string rules;  ///< which rules of memory and splits hold: see catalog.cpp
  std::string engine;
  std::int64_t preference = 0;  ///< low before high
  Release release;
  bool newest = true;
  std::vector<Backend> backends;
  ClassFacts every_class;  ///< of a class that is not listed
  std::map<std::string, ClassFacts, std::less<>> classes;
  std::map<std::string, std::string, std::less<>> aliases;
  bool last_layers_first = false;    ///< rank 0 of a pipeline has the last layers
  bool drops_uneven_layers = false;  ///< where the layers are no multiple of the ranks
  bool takes_split = false;          ///< a pipeline can be told how many layers each rank gets
  LaunchFacts launch;
  std::shared_ptr<const Facts> base;  ///< of what it is built on
  std::string_view text;              ///< the file, for what is read when asked for
  std::string place;                  ///< what errors call the file

  /// By type or alias; null where there is no such class.
  [[nodiscard]] const ClassFacts* find_class(std::string_view type) const;
};

/// Gives what another runtime's release states; throws Error where it is not known.
using BaseOf = std::function<std::shared_ptr<const Facts>(std::string_view spelled)>;

/// Every release in a file, newest first. `text` must outlive them. Throws Error (JSON pointer).
[[nodiscard]] std::vector<std::shared_ptr<const Facts>> read_facts(std::string_view text,
                                                                   const std::string& place,
                                                                   const BaseOf& base_of);

}  // namespace macfit::runtime
