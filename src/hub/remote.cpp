// Which files of a repository say a model's shapes and sizes, and how much of them to read.
#include "macfit/hub/remote.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <unistd.h>

#include "listing_json.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hub/stores.hpp"
#include "macfit/read/byte_source.hpp"
#include "macfit/read/gguf_file.hpp"
#include "macfit/read/safetensors.hpp"

namespace macfit::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t longest_config = std::int64_t{4} << 20U;
constexpr std::int64_t longest_index = std::int64_t{32} << 20U;
constexpr std::int64_t longest_listing = std::int64_t{16} << 20U;
constexpr std::size_t most_files = 2000;
constexpr std::size_t at_a_time = 8;

/// As a URL's path has it.
std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '/' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

/// A revision may hold slashes, which stand escaped in an address.
std::string escaped_revision(std::string_view text) {
  std::string out = escaped(text);
  for (auto at = out.find('/'); at != std::string::npos; at = out.find('/', at)) {
    out.replace(at, 1, "%2F");
  }
  return out;
}

/// A file on the hub, read from its start as far as a reader of headers asks. Keeps what it read.
class RemoteFile final : public read::ByteSource {
 public:
  /// `first` bytes at once; then what is asked, and at least as much again as `growth` says.
  RemoteFile(Transfer& transfer, std::string path, std::int64_t first, double growth)
      : transfer_(transfer), path_(std::move(path)), growth_(growth) {
    const Answer answer = transfer_.part(path_, {0, first});
    size_ = answer.total;
    have_ = answer.body;
  }
  [[nodiscard]] std::uint64_t size() const override { return static_cast<std::uint64_t>(size_); }
  [[nodiscard]] std::string name() const override { return transfer_.settings().endpoint + path_; }
  [[nodiscard]] const std::string& have() const { return have_; }
  /// So that the first `count` bytes are there.
  void need(std::int64_t count) const {
    const auto held = static_cast<std::int64_t>(have_.size());
    if (count <= held) {
      return;
    }
    const auto more =
        std::max(count - held, static_cast<std::int64_t>(growth_ * static_cast<double>(held)));
    const Answer answer = transfer_.part(path_, {held, std::min(more, size_ - held)});
    if (answer.total != size_ || static_cast<std::int64_t>(answer.body.size()) < count - held) {
      throw Error("the file changed while it was read", Place{name(), {}, {}});
    }
    have_ += answer.body;
  }

 private:
  void do_read(std::uint64_t offset, std::span<char> out) const override {
    need(static_cast<std::int64_t>(offset + out.size()));
    std::copy_n(have_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
  }

  Transfer& transfer_;
  std::string path_;
  double growth_;
  std::int64_t size_ = 0;
  mutable std::string have_;
};

/// Just the header of a weight file, as a file that ends with it.
std::string header_of(Transfer& transfer, const std::string& path) {
  constexpr std::int64_t of_safetensors = std::int64_t{16} << 10U;
  constexpr std::int64_t of_gguf = std::int64_t{256} << 10U;
  if (path.ends_with(".gguf")) {
    const RemoteFile file(transfer, path, of_gguf, 1.0);
    const read::GgufHeader header = read::read_gguf_header(file);
    // Alignment counts: a file that ends with its header ends where its data would start, or
    // before.
    file.need(std::min<std::int64_t>(static_cast<std::int64_t>(header.data_offset),
                                     static_cast<std::int64_t>(file.size())));
    return file.have().substr(0, header.data_offset);
  }
  const RemoteFile file(transfer, path, of_safetensors, 0.0);
  const read::SafetensorsHeader header = read::read_safetensors_header(file);
  file.need(static_cast<std::int64_t>(header.data_offset));
  return file.have().substr(0, header.data_offset);
}

void write_whole(const fs::path& path, std::string_view text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  static std::atomic<unsigned> counter{0};
  const fs::path temporary =
      path.parent_path() / (".new." + std::to_string(::getpid()) + "." + std::to_string(counter++));
  {
    std::ofstream stream(temporary, std::ios::binary);
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    if (!stream.flush()) {
      fs::remove(temporary, error);
      throw Error("can't write the cache", Place{path.string(), {}, {}},
                  "XDG_CACHE_HOME names another place for it");
    }
  }
  fs::rename(temporary, path, error);
  if (error) {
    throw Error("can't write the cache: " + error.message(), Place{path.string(), {}, {}});
  }
}

std::optional<std::string> read_whole(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return std::nullopt;
  }
  std::ifstream stream(path, std::ios::binary);
  return std::string{std::istreambuf_iterator<char>(stream), {}};
}

/// The files to read of a repository.
struct Choice {
  std::vector<std::string> whole;    // config.json, in the end the index
  std::vector<std::string> headers;  // weight files
  std::string open;                  // what to read then; empty: the folder
};

std::string below(const Reference& reference, std::string_view name) {
  return reference.path.empty() ? std::string(name) : reference.path + "/" + std::string(name);
}

/// Of the files in `folder` itself, those with that end.
std::vector<std::string> files_in(const std::vector<std::string>& files, const std::string& folder,
                                  std::string_view end) {
  std::vector<std::string> found;
  const std::string start = folder.empty() ? "" : folder + "/";
  for (const std::string& file : files) {
    if (file.rfind(start, 0) == 0 && file.ends_with(end) &&
        file.find('/', start.size()) == std::string::npos) {
      found.push_back(file);
    }
  }
  return found;
}

/// GGUF files by quantization; parts of one file together, in order. Projectors are left out.
Choice choose_gguf(const std::vector<std::string>& files, const Reference& reference) {
  std::map<std::string, std::vector<std::string>> sets;
  const std::string start = reference.path.empty() ? "" : reference.path + "/";
  for (const std::string& file : files) {
    const std::string name = file.substr(file.rfind('/') + 1);
    const bool asked = file == reference.path || file.rfind(start, 0) == 0;
    if (asked && file.ends_with(".gguf") && name.rfind("mmproj", 0) != 0) {
      sets[std::string(split_base(file))].push_back(file);
    }
  }
  std::vector<std::string> quants;
  std::vector<const std::vector<std::string>*> of_quant;
  std::set<std::string> seen;
  for (auto& [base, parts] : sets) {
    std::sort(parts.begin(), parts.end());
    std::string quant = quant_of(base);
    if (quant.empty()) {
      quant = base.substr(base.rfind('/') + 1);
    }
    if (seen.insert(quant).second) {
      quants.push_back(std::move(quant));
      of_quant.push_back(&parts);
    }
  }
  if (quants.empty()) {
    return {};
  }
  const std::vector<std::string>& parts =
      *of_quant[choose_quant(quants, reference.quant, reference.name())];
  return {{}, parts, parts.front()};
}

Choice choose(const std::vector<std::string>& files, const Reference& reference) {
  const bool one_gguf = reference.path.ends_with(".gguf");
  const std::vector<std::string> all = files_in(files, reference.path, ".safetensors");
  const std::string config = below(reference, "config.json");
  const bool has_config = std::find(files.begin(), files.end(), config) != files.end();
  if (!one_gguf && reference.quant.empty() && (!all.empty() || has_config)) {
    Choice choice;
    if (has_config) {
      choice.whole.push_back(config);
    }
    choice.headers = read::loaded_safetensors(all);
    Choice gguf = choice.headers.empty() ? choose_gguf(files, reference) : Choice{};
    if (!gguf.headers.empty()) {
      return gguf;
    }
    if (choice.headers.empty()) {
      choice.open = config;  // shapes, and sizes by formula
    }
    return choice;
  }
  Choice choice = choose_gguf(files, reference);
  if (choice.headers.empty()) {
    throw Error(
        "hub: " + reference.name() + " has no config.json, safetensors or GGUF file" +
            (reference.path.empty() ? "" : " in " + printable(reference.path, 120)),
        {},
        reference.quant.empty() ? "" : "leave out :" + reference.quant + " for its safetensors");
  }
  return choice;
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// One repository of one hub in the cache.
class Repository {
 public:
  Repository(const Reference& reference, const TransferSettings& transfer,
             const RemoteSettings& settings)
      : reference_(reference), transfer_(transfer), settings_(settings) {
    std::string host = transfer.endpoint.substr(transfer.endpoint.find("://") + 3);
    std::replace_if(
        host.begin(), host.end(), [](char c) { return c == '/' || c == ':'; }, '_');
    folder_ = settings.cache / "hub" / host /
              (lower(reference.organization) + "--" + lower(reference.repository));
    revision_ = reference.revision.empty() ? "main" : reference.revision;
  }

  Fetched fetch() {
    const Listing listing = list();
    Choice choice = choose(listing.files, reference_);
    if (choice.whole.size() + choice.headers.size() > most_files) {
      throw Error("hub: " + reference_.name() + " has more than " + std::to_string(most_files) +
                  " weight files");
    }
    narrow_by_index(listing, choice);
    const fs::path snapshot = folder_ / listing.commit;
    read_files(snapshot, choice, listing.commit);
    Fetched fetched;
    fetched.path = !choice.open.empty()      ? snapshot / choice.open
                   : reference_.path.empty() ? snapshot
                                             : snapshot / reference_.path;
    fetched.commit = listing.commit;
    fetched.file = choice.open.ends_with(".gguf") ? choice.open : "";
    if (transfer_made_) {
      fetched.requests = transfer_made_->requests();
      fetched.bytes = transfer_made_->bytes();
    }
    return fetched;
  }

  std::optional<std::string> config() {
    const Listing listing = list();
    const std::string name = below(reference_, "config.json");
    if (std::find(listing.files.begin(), listing.files.end(), name) == listing.files.end()) {
      return std::nullopt;
    }
    const fs::path snapshot = folder_ / listing.commit;
    read_file(snapshot, listing.commit, name, true);
    return read_whole(snapshot / name);
  }

 private:
  Transfer& transfer() {
    const std::lock_guard lock(mutex_);
    if (settings_.offline) {
      throw Error(
          "hub: " + reference_.name() + " is not in the cache, and the hub is not asked: offline",
          {}, "without --offline, MACFIT_OFFLINE and HF_HUB_OFFLINE it is");
    }
    if (!transfer_made_) {
      transfer_made_ = std::make_unique<Transfer>(transfer_);
    }
    return *transfer_made_;
  }

  /// The listing of a commit, from the cache where it is there.
  Listing list() {
    const fs::path ref = folder_ / "refs" / escaped_revision(revision_);
    std::string commit = is_commit(revision_) ? revision_ : std::string();
    std::error_code error;
    const auto written = fs::last_write_time(ref, error);
    const bool fresh =
        !error && fs::file_time_type::clock::now() - written < std::chrono::hours(24);
    if (commit.empty() && (fresh || settings_.offline)) {
      commit = trim(read_whole(ref).value_or(""));
    }
    if (is_commit(commit)) {
      if (const auto text = read_whole(folder_ / (commit + ".list"))) {
        Listing listing{commit, {}};
        for (const std::string_view line : split(*text, '\n')) {
          if (!line.empty()) {
            listing.files.emplace_back(line);
          }
        }
        return listing;
      }
    }
    const std::string path =
        "/api/models/" + reference_.name() + "/revision/" + escaped_revision(revision_);
    const Answer answer = transfer().whole(path, longest_listing);
    Listing listing;
    try {
      listing = read_listing(answer.body);
    } catch (const Error& problem) {
      throw problem.in_file(transfer_.endpoint + path);
    }
    std::string text;
    for (const std::string& file : listing.files) {
      text += file + "\n";
    }
    write_whole(folder_ / (listing.commit + ".list"), text);
    write_whole(ref, listing.commit + "\n");
    return listing;
  }

  [[nodiscard]] std::string address(const std::string& commit, const std::string& file) const {
    return "/" + reference_.name() + "/resolve/" + commit + "/" + escaped(file);
  }

  /// Where the files' names don't say which belong together, the index does.
  void narrow_by_index(const Listing& listing, Choice& choice) {
    const std::string name = below(reference_, "model.safetensors.index.json");
    int parts = 0;
    for (const std::string& file : choice.headers) {
      parts = std::max(parts, split_parts(file));
    }
    const bool plain =
        choice.headers.size() < 2 || static_cast<std::size_t>(parts) == choice.headers.size();
    const bool there =
        std::find(listing.files.begin(), listing.files.end(), name) != listing.files.end();
    if (!choice.open.empty() || !there || (plain && !choice.headers.empty())) {
      return;
    }
    const fs::path cached = folder_ / listing.commit / name;
    std::optional<std::string> text = read_whole(cached);
    if (!text) {
      text = transfer().whole(address(listing.commit, name), longest_index).body;
      write_whole(cached, *text);
    }
    read::SafetensorsIndex index;
    try {
      index = read::parse_safetensors_index(*text);
    } catch (const Error& problem) {
      throw problem.in_file(transfer_.endpoint + address(listing.commit, name));
    }
    choice.headers.clear();
    for (const auto& [file, tensors] : index.files) {
      choice.headers.push_back(below(reference_, file));
    }
  }

  void read_file(const fs::path& snapshot, const std::string& commit, const std::string& file,
                 bool whole) {
    const fs::path target = snapshot / file;
    std::error_code error;
    if (fs::is_regular_file(target, error)) {
      return;
    }
    const std::string path = address(commit, file);
    write_whole(target,
                whole ? transfer().whole(path, longest_config).body : header_of(transfer(), path));
  }

  /// Several at a time; the first error ends them all.
  void read_files(const fs::path& snapshot, const Choice& choice, const std::string& commit) {
    const std::size_t count = choice.whole.size() + choice.headers.size();
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&] {
      for (std::size_t at = next++; at < count; at = next++) {
        try {
          const bool whole = at < choice.whole.size();
          read_file(snapshot, commit,
                    whole ? choice.whole[at] : choice.headers[at - choice.whole.size()], whole);
        } catch (...) {
          const std::lock_guard lock(failure_mutex);
          if (!failure) {
            failure = std::current_exception();
          }
          next = count;
        }
      }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < std::min(at_a_time, count); ++i) {
      threads.emplace_back(work);
    }
    work();
    for (std::thread& thread : threads) {
      thread.join();
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  const Reference& reference_;
  const TransferSettings& transfer_;
  const RemoteSettings& settings_;
  fs::path folder_;
  std::string revision_;
  std::mutex mutex_;
  std::unique_ptr<Transfer> transfer_made_;
};

}  // namespace

Fetched fetch_headers(const Reference& reference, const TransferSettings& transfer,
                      const RemoteSettings& settings) {
  return Repository(reference, transfer, settings).fetch();
}

std::optional<std::string> fetch_config(const Reference& reference,
                                        const TransferSettings& transfer,
                                        const RemoteSettings& settings) {
  return Repository(reference, transfer, settings).config();
}

}  // namespace macfit::hub
