#include "help_topics.hpp"

namespace macfit::cli {

const std::vector<HelpTopic>& help_topics() {
  static const std::vector<HelpTopic> topics = {
      {"exit-codes", "Exit codes", R"(    0  done, whatever the verdict
    1  done, but what was required does not hold: --require TIER, a failing check
    2  the input or the usage is wrong, or a file could not be read or written
  130  a sweep that Ctrl-C ended, after whole rows
Nothing is written to standard output with code 2, but for "check" and "plan --batch", which report
what they could read.
)"},
      {"sizes", "Models, sizes and units",
       R"(A model is a name of the catalog ("macfit models list"), a path, or a size:
  230b-q4        230 billion parameters at 4 bit, dense
  400b-a17b-q8   400 billion, 17 billion of them used for a token
  215gb          weights of 215 GB, at 4.5 bits each
  1.5t, 70b-4.5bpw, 215gb-q8
A path begins with / ./ ../ or ~, or ends in .json, .gguf or .safetensors. Any other word is a name,
whatever files and folders are in the current directory.
Memory is GiB as Macs are sold (128 is 128 GiB), checkpoints are GB (10^9 bytes). In a flag a unit
decides: 120GiB, 115.4GB; a bare number is bytes. Tokens: 32k is 32,768, 1M is 1,048,576.
)"},
      {"nodes", "Nodes and clusters", R"(A cluster is a sum of machines:
  2x128                     two Macs sold with 128 GB
  1x128+2x64                one of 128 and two of 64
  m4-max-128+m4-pro-64      by chip and memory
  2xmac-studio-m3-ultra-512 by machine ("macfit hardware list")
  this                      the Mac that this runs on
  desk.json                 a cluster file: names, macOS, limits, cables
A comma separates clusters where a command takes several.
)"},
      {"formats", "Output and file formats",
       R"(--format says how a command prints: text, json, and what else it lists with --help. JSON carries
its format and version in "schema", such as "macfit.plan/1". Keys may be added within a version; none
is renamed or removed. JSON Schemas of all formats are in docs/schema/, installed in
share/macfit/schema/. --output FILE is written atomically: an old file keeps its mode, a link
what it names, and a file that you may not write is left alone. Data goes to standard output,
messages to standard error.
)"},
      {"environment", "Environment", R"(  NO_COLOR          not empty: no color, as --color never
  TERM              dumb: no color and no progress
  COLUMNS           width of text output, before that of the terminal
  LC_ALL, LC_CTYPE, LANG
                    text is ASCII unless they name UTF-8
  MACFIT_OFFLINE, HF_HUB_OFFLINE
                    not empty: ask no hub, as --offline
  HF_ENDPOINT       the hub (default https://huggingface.co)
  HF_TOKEN          for gated models; sent to the hub by https alone, never printed
  HF_HOME, HF_HUB_CACHE, OLLAMA_MODELS, LLAMA_CACHE, EXO_HOME, EXO_MODELS_DIR
                    where other programs keep models, as they read them
  MACFIT_MODEL_DIRS more folders of models, separated by colons
  https_proxy, CURL_CA_BUNDLE
                    how the hub is reached
  XDG_CACHE_HOME    folder for what was read from a hub (default ~/.cache)
  MACFIT_NODES      the Macs, where --nodes is left out; else what "hardware use" saved
  XDG_CONFIG_HOME   folder for settings (default ~/.config)
  GITHUB_WORKSPACE  what paths in annotations and SARIF are relative to
)"},
  };
  return topics;
}

}  // namespace macfit::cli
