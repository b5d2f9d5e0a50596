#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sys/wait.h>

#include <fmt/format.h>

#include "macfit/core/error.hpp"
#include "macfit/core/json_reader_json.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/run/folder.hpp"
#include "process.hpp"

namespace macfit::run {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t most_at_once = 4096;
constexpr std::int64_t most_port = 65535;

/// What settings.sh says, as bash understands it: its words, each ended by a zero byte.
constexpr const char* questions = R"(
set -eu
. ./settings.sh
printf '%s\0' "$MODEL" "${SEQUENCES:-1}"
ports=("${HTTP_PORT[@]}")
for i in "${SERVING[@]}"; do
  if [ "${#ports[@]}" -gt 1 ]; then port=${ports[$i]}; else port=${ports[0]}; fi
  printf '%s\0' "${NAMES[$i]}" "${SSH[$i]}" "$port"
done
)";

/// For any POSIX shell, whatever bytes are in it.
std::string single_quoted(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return word + "'";
}

struct Close {
  void operator()(std::FILE* pipe) const { ::pclose(pipe); }
};

std::vector<std::string> settings_of(const std::string& path) {
  const std::string command = fmt::format("cd -- {} && exec bash -c {} 2>&1", single_quoted(path),
                                          single_quoted(questions));
  std::unique_ptr<std::FILE, Close> pipe(::popen(command.c_str(), "r"));
  if (!pipe) {
    throw Error("bash, which reads settings.sh, can't be started", Place{path, {}, {}});
  }
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t count = 1; count > 0 && text.size() < (std::size_t{1} << 20);) {
    count = std::fread(buffer.data(), 1, buffer.size(), pipe.get());
    text.append(buffer.data(), count);
  }
  const int status = ::pclose(pipe.release());
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw Error("bash can't read it: " + printable(trim(text), 300),
                Place{path + "/settings.sh", {}, {}});
  }
  std::vector<std::string> words;
  for (const std::string_view word : split(text, '\0')) {
    words.emplace_back(word);
  }
  words.pop_back();
  return words;
}

void refuse_marks(const std::string& path, const std::string& word) {
  if (const std::size_t at = word.find("@EDIT-"); at != std::string::npos) {
    const std::size_t end = word.find('@', at + 1);
    throw Error("fill in " + printable(word.substr(at, end - at + 1)) + " first",
                Place{path + "/settings.sh", {}, {}});
  }
}

bool is_here(std::string_view host) {
  return host == "local" || host == "127.0.0.1" || host == "localhost";
}

Forecast forecast_of(const JsonValue& value) {
  constexpr double most = 1e9;
  JsonObject object = value.object();
  return {object.at("decode_tokens_per_second").number(0.0, most),
          object.at("prefill_tokens_per_second").number(0.0, most), object.at("evidence").string()};
}

/// What launch knows and settings.sh does not say: macfit.launch/1.
void add_plan(Folder& folder, const std::string& text) {
  const JsonDocument document = JsonDocument::parse(text);
  JsonObject object = document.root().object();
  if (const auto schema = object.at("schema"); schema.string() != "macfit.launch/1") {
    throw schema.expected("\"macfit.launch/1\"");
  }
  if (const auto served = object.find("served_model")) {
    folder.model = served->string();
  }
  folder.start_returns = object.at("start_returns").boolean();
  const std::vector<JsonValue> workers = object.at("workers").array();
  for (std::size_t i = 0; i < workers.size() && i < folder.workers.size(); ++i) {
    JsonObject worker = workers[i].object();
    folder.workers[i].name = worker.at("name").string();
    if (const auto forecast = worker.find("forecast")) {
      folder.workers[i].forecast = forecast_of(*forecast);
    }
    if (const auto row = worker.find("measurement")) {
      folder.workers[i].measurement = row->raw().dump();
    }
  }
}

}  // namespace

std::string worker_url(std::string_view text) {
  std::string url(trim(text));
  const auto wrong = [&](const char* what) {
    return Error(fmt::format("--worker: {}, found \"{}\"", what, printable(text, 100)), {},
                 "http://127.0.0.1:8080");
  };
  if (url.find('@') != std::string::npos) {
    throw Error("--worker: no name and no key in an address", {},
                "a key is taken from MACFIT_API_KEY");
  }
  while (url.ends_with('/')) {
    url.pop_back();
  }
  if (url.ends_with("/v1")) {
    url.resize(url.size() - 3);
  }
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) {
    throw wrong("expected an address with http:// or https://");
  }
  const std::string name = lower(url.substr(0, scheme));
  const std::string host = url.substr(scheme + 3);
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]%";
  if ((name != "http" && name != "https") || host.empty() ||
      host.find_first_not_of(letters) != std::string::npos) {
    throw wrong("expected an address of a server, without a path");
  }
  return name + "://" + host;
}

Folder read_folder(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    throw Error("there is no such folder", Place{path, {}, {}},
                "macfit launch --output writes one; --worker URL takes a server that runs");
  }
  for (const char* file : {"settings.sh", "run.sh"}) {
    if (!fs::exists(fs::path(path) / file, error)) {
      throw Error(fmt::format("it has no {}: it is no folder of macfit launch", file),
                  Place{path, {}, {}});
    }
  }
  Folder folder;
  folder.path = path;
  const std::vector<std::string> words = settings_of(path);
  const Place place{path + "/settings.sh", {}, {}};
  if (words.size() < 5 || (words.size() - 2) % 3 != 0) {
    throw Error("it names no server", place);
  }
  refuse_marks(path, words[0]);
  folder.model = words[0];
  const std::int64_t at_once =
      parse_whole(words[1], path + "/settings.sh: SEQUENCES", 1, most_at_once);
  for (std::size_t i = 2; i < words.size(); i += 3) {
    refuse_marks(path, words[i + 1]);
    WorkerSpec worker;
    worker.name = words[i];
    worker.host = is_here(words[i + 1]) ? std::string() : words[i + 1];
    worker.port =
        std::to_string(parse_whole(words[i + 2], path + "/settings.sh: HTTP_PORT", 1, most_port));
    worker.url = "http://127.0.0.1:" + worker.port;
    worker.at_once = static_cast<std::size_t>(at_once);
    folder.workers.push_back(std::move(worker));
  }
  const std::string plan = path + "/workers.json";
  if (fs::exists(plan, error)) {
    try {
      add_plan(folder, tail_of(plan, std::size_t{1} << 20));
    } catch (const Error& problem) {
      throw problem.in_file(plan);
    }
  }
  return folder;
}

}  // namespace macfit::run
