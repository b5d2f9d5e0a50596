// One hub by libcurl. A server is not trusted: what it sends is counted as it comes, redirects are
// followed here and not by libcurl, and each address is looked at before it is connected to.
#include "macfit/hub/transfer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "curl.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/quantity.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hub/user_agent.hpp"

namespace macfit::hub {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int most_redirects = 5;
constexpr int most_attempts = 4;

/// "https", "host", 443 and whether it can be read at all.
struct Address {
  std::string scheme;
  std::string host;
  std::string port;
  bool good = false;
  [[nodiscard]] bool same_origin(const Address& other) const {
    return good && other.good && scheme == other.scheme && same_name(host, other.host) &&
           port == other.port;
  }
};

Address address_of(std::string_view url) {
  Address address;
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) {
    return address;
  }
  address.scheme = lower(url.substr(0, colon));
  std::string_view rest = url.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  const auto bracket = rest.rfind(']');
  const auto port = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  address.host = rest.substr(0, port);
  address.port = port != std::string_view::npos ? std::string(rest.substr(port + 1))
                 : address.scheme == "https"    ? "443"
                                                : "80";
  const bool web = address.scheme == "https" || address.scheme == "http";
  address.good = web && !address.host.empty() && rest.find('@') == std::string_view::npos;
  return address;
}

/// Addresses that no hub on the internet has: this machine's and those of networks around it.
bool is_near_v4(std::uint32_t ip) {
  return ip >> 24U == 127 || ip >> 24U == 10 || ip >> 24U == 0 || ip >> 20U == 0xAC1 ||
         ip >> 16U == 0xC0A8 || ip >> 16U == 0xA9FE || ip >> 22U == 0x191;  // 100.64/10
}

/// `address` is a sockaddr of that family.
bool is_near(int family, const unsigned char* address) {
  if (family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return is_near_v4(ntohl(in.sin_addr.s_addr));
  }
  if (family != AF_INET6) {
    return true;
  }
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  std::array<unsigned char, 16> bytes{};
  std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  const bool zeros =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](unsigned char c) { return c == 0; });
  if (zeros) {  // unspecified, loopback, and IPv4 in IPv6's clothes
    const bool mapped = bytes[10] == 0xFF && bytes[11] == 0xFF;
    return !mapped || is_near_v4(std::uint32_t{bytes[12]} << 24U | std::uint32_t{bytes[13]} << 16U |
                                 std::uint32_t{bytes[14]} << 8U | std::uint32_t{bytes[15]});
  }
  return (bytes[0] & 0xFEU) == 0xFC || (bytes[0] == 0xFE && (bytes[1] & 0xC0U) == 0x80);
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    return std::nullopt;
  }
  return value;
}

}  // namespace

/// Connections kept open from one request to the next.
struct Transfer::Handles {
  std::mutex mutex;
  std::vector<CURL*> idle;

  CURL* take() {
    const std::lock_guard lock(mutex);
    if (!idle.empty()) {
      CURL* handle = idle.back();
      idle.pop_back();
      return handle;
    }
    CURL* handle = curl().easy_init();
    if (handle == nullptr) {
      throw Error("libcurl can't be used: out of memory");
    }
    return handle;
  }
  void give(CURL* handle) {
    const std::lock_guard lock(mutex);
    curl().easy_reset(handle);
    idle.push_back(handle);
  }
  ~Handles() {
    for (CURL* handle : idle) {
      curl().easy_cleanup(handle);
    }
  }
};

/// One request and what came of it.
struct Transfer::Exchange {
  std::string url;
  std::string path;  // as asked, for words
  std::optional<Range> range;
  std::int64_t limit = 0;  // of the body
  std::atomic<std::int64_t>* counter = nullptr;
  std::int64_t most_bytes = 0;
  bool may_be_near = false;

  // What came.
  long status = 0;
  std::string body;
  std::string location;
  std::string encoding;
  std::string range_said;
  std::int64_t length_said = -1;
  std::int64_t retry_after = -1;
  std::size_t header_bytes = 0;
  bool too_long = false;
  bool over_budget = false;
  bool near_refused = false;

  void reset() {
    status = 0;
    body.clear();
    for (std::string* text : {&location, &encoding, &range_said}) {
      text->clear();
    }
    length_said = retry_after = -1;
    header_bytes = 0;
    too_long = over_budget = near_refused = false;
  }

  /// False ends the transfer.
  bool take_header(std::string_view line) {
    constexpr std::size_t most = std::size_t{256} << 10U;  // of one answer's header lines
    header_bytes += line.size();
    if (header_bytes > most) {
      too_long = true;
      return false;
    }
    read_header(line);
    return true;
  }

  void read_header(std::string_view line) {
    if (line.substr(0, 5) == "HTTP/") {
      const auto blank = line.find(' ');
      status = blank == std::string_view::npos
                   ? 0
                   : static_cast<long>(whole_number(line.substr(blank + 1, 3)).value_or(0));
      location.clear();
      encoding.clear();
      range_said.clear();
      length_said = -1;
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) {
      return;
    }
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "location") {
      location = value;
    } else if (name == "content-encoding") {
      encoding = lower(value);
    } else if (name == "content-range") {
      range_said = value;
    } else if (name == "content-length") {
      length_said = whole_number(value).value_or(-1);
    } else if (name == "retry-after") {
      retry_after = whole_number(value).value_or(-1);
    }
  }

  /// False ends the transfer.
  bool take_body(std::string_view bytes) {
    const auto count = static_cast<std::int64_t>(bytes.size());
    over_budget = *counter + count > most_bytes;
    // A whole file in answer to a range would be the weights.
    too_long = static_cast<std::int64_t>(body.size()) + count > limit ||
               (status == 200 && length_said > limit);
    if (over_budget || too_long) {
      return false;
    }
    *counter += count;
    body.append(bytes);
    return true;
  }

  /// Throws where the answer was broken off: by a bound of this program's or by the network.
  void require_sound(CURLcode code) const {
    const Place place{url.substr(0, url.find('?')), {}, {}};
    if (near_refused) {
      throw Error(
          "the hub leads to an address of this machine or its network, which is not followed",
          place);
    }
    if (over_budget) {
      throw Error(
          "the hub sent more than " + format_gb(Bytes(most_bytes)) + ", which headers never have",
          place);
    }
    if (too_long) {
      throw Error(range && status != 206
                      ? std::string("the server ignores ranges: it would send the whole file")
                      : "the server sent more than the " + std::to_string(limit) +
                            " bytes that were expected",
                  place, range ? "is HF_ENDPOINT a mirror that does?" : "");
    }
    if (code != CURLE_OK) {
      const char* why = curl().easy_strerror(code);
      throw Error(std::string("can't be read: ") + why, place,
                  "see whether this machine is online, or --offline to use what is here");
    }
  }
};

namespace {

template <class Taker>
std::size_t on_header(char* data, std::size_t size, std::size_t count, void* taker) {
  return static_cast<Taker*>(taker)->take_header({data, size * count}) ? size * count : 0;
}

template <class Taker>
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* taker) {
  return static_cast<Taker*>(taker)->take_body({data, size * count}) ? size * count : 0;
}

template <class Taker>
curl_socket_t on_socket(void* taker, curlsocktype, curl_sockaddr* address) {
  auto* exchange = static_cast<Taker*>(taker);
  // The struct's last member is as long as the family needs.
  const auto* bytes =
      reinterpret_cast<const unsigned char*>(address) + offsetof(curl_sockaddr, addr);
  if (!exchange->may_be_near && is_near(address->family, bytes)) {
    exchange->near_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype, address->protocol);
}

class Headers {
 public:
  ~Headers() { curl().slist_free_all(list_); }
  Headers() = default;
  Headers(const Headers&) = delete;
  Headers& operator=(const Headers&) = delete;
  void add(const std::string& line) { list_ = curl().slist_append(list_, line.c_str()); }
  [[nodiscard]] curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

/// "bytes 0-15/1000": the file's size, where the range is the one that was asked.
std::optional<std::int64_t> total_of(std::string_view said, const Range& asked, std::size_t got) {
  constexpr std::string_view unit = "bytes ";
  const auto dash = said.find('-');
  const auto slash = said.find('/');
  if (said.substr(0, unit.size()) != unit || dash == std::string_view::npos ||
      slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = whole_number(said.substr(unit.size(), dash - unit.size()));
  const auto last = whole_number(said.substr(dash + 1, slash - dash - 1));
  const auto total = whole_number(said.substr(slash + 1));
  const bool right = first && last && total && *first == asked.first && *last >= *first &&
                     *last < *total && *last - *first + 1 == static_cast<std::int64_t>(got) &&
                     (*last + 1 == *total || static_cast<std::int64_t>(got) == asked.count);
  return right ? total : std::nullopt;
}

/// What every request says of how it is made; `left` of the time is all that it may take.
void set_manners(CURL* handle, const TransferSettings& settings, std::chrono::milliseconds left) {
  const Curl& lib = curl();
  lib.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  lib.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  // Deprecated in favor of names as text, which libcurl before 7.85 does not take.
  constexpr long http = 1;
  constexpr long https = 2;
  lib.easy_setopt(handle, static_cast<CURLoption>(181), http | https);  // CURLOPT_PROTOCOLS
  lib.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, static_cast<long>(settings.stall.count()));
  lib.easy_setopt(handle, CURLOPT_TIMEOUT_MS,
                  static_cast<long>(std::min<long long>(left.count(), 60'000)));
  lib.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 256L);
  lib.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings.stall.count()));
  if (!settings.ca_file.empty()) {
    lib.easy_setopt(handle, CURLOPT_CAINFO, settings.ca_file.c_str());
  }
}

/// Hands what comes to `taker`.
template <class Taker>
void set_taker(CURL* handle, Taker& taker) {
  const Curl& lib = curl();
  lib.easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header<Taker>);
  lib.easy_setopt(handle, CURLOPT_HEADERDATA, &taker);
  lib.easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_body<Taker>);
  lib.easy_setopt(handle, CURLOPT_WRITEDATA, &taker);
  lib.easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &on_socket<Taker>);
  lib.easy_setopt(handle, CURLOPT_OPENSOCKETDATA, &taker);
}

/// "0-15", as a request asks for it.
std::string range_text(const Range& range) {
  return std::to_string(range.first) + "-" + std::to_string(range.first + range.count - 1);
}

bool is_busy(long status) {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/// Throws where the answer is no document: refused, not there, or the hub is busy.
void require_document(long status, bool ranged, const TransferSettings& settings,
                      const Place& place) {
  if (status == 401 || status == 403) {
    throw Error("the hub does not show it (" + std::to_string(status) +
                    "): it is gated, private, or not there",
                place,
                settings.token.empty()
                    ? "agree to its terms on its page, then set HF_TOKEN to a token of yours"
                    : "agree to its terms on its page with the account of HF_TOKEN");
  }
  if (status == 404 || status == 410) {
    throw Error("the hub has no such model, revision or file (" + std::to_string(status) + ")",
                place, "look for it on " + settings.endpoint);
  }
  if (is_busy(status)) {
    throw Error("the hub is busy (" + std::to_string(status) + ", asked " +
                    std::to_string(most_attempts) + " times)",
                place, "try again later; with HF_TOKEN its limits are wider");
  }
  const bool whole = status == 200;
  const bool part = ranged && status == 206;
  if (!whole && !part) {
    throw Error("the hub answers " + std::to_string(status), place);
  }
}

/// How long a busy hub wants to be left alone, before another attempt.
std::chrono::milliseconds wait_before(std::int64_t retry_after, int attempt) {
  constexpr std::int64_t longest_wait = 10;  // seconds
  return retry_after >= 0
             ? std::chrono::milliseconds(1000 * std::min<std::int64_t>(retry_after, longest_wait))
             : std::chrono::milliseconds(250L << attempt);
}

}  // namespace

TransferSettings settings_from(const std::function<std::string(const char*)>& environment) {
  TransferSettings settings;
  if (std::string endpoint = environment("HF_ENDPOINT"); !endpoint.empty()) {
    while (!endpoint.empty() && endpoint.back() == '/') {
      endpoint.pop_back();
    }
    if (!address_of(endpoint).good) {
      throw Error("HF_ENDPOINT: expected an address such as https://hf-mirror.com, found \"" +
                  printable(endpoint, 120) + "\"");
    }
    settings.endpoint = std::move(endpoint);
  }
  settings.token = trim(environment("HF_TOKEN"));
  if (settings.token.empty()) {
    std::string path = environment("HF_TOKEN_PATH");
    if (path.empty()) {
      const std::string hf_home = environment("HF_HOME");
      path = (hf_home.empty() ? environment("HOME") + "/.cache/huggingface" : hf_home) + "/token";
    }
    std::ifstream stream(path, std::ios::binary);
    std::array<char, 512> text{};
    stream.read(text.data(), text.size());
    settings.token = trim({text.data(), static_cast<std::size_t>(stream.gcount())});
  }
  const auto& token = settings.token;
  if (std::any_of(token.begin(), token.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; })) {
    settings.token.clear();  // no token has such: it would split the header
  }
  settings.ca_file = environment("CURL_CA_BUNDLE");
  if (settings.ca_file.empty()) {
    settings.ca_file = environment("SSL_CERT_FILE");
  }
  constexpr std::int64_t longest_stall = 120;
  if (const auto stall = whole_number(environment("HF_HUB_DOWNLOAD_TIMEOUT"));
      stall && *stall > 0) {
    settings.stall = std::chrono::seconds(std::min(*stall, longest_stall));
  }
  for (const char* variable :
       {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"}) {
    settings.proxied = settings.proxied || !environment(variable).empty();
  }
  return settings;
}

Transfer::Transfer(TransferSettings settings)
    : settings_(std::move(settings)),
      handles_(std::make_unique<Handles>()),
      end_(Clock::now() + settings_.patience) {}

Transfer::~Transfer() = default;

void Transfer::perform(Exchange& exchange) {
  const Curl& lib = curl();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Clock::now());
  if (left.count() <= 0) {
    throw Error(
        "the hub was too slow: " + std::to_string(settings_.patience.count()) + " seconds are over",
        Place{exchange.url, {}, {}});
  }
  CURL* handle = handles_->take();
  Headers headers;
  const Address endpoint = address_of(settings_.endpoint);
  const Address here = address_of(exchange.url);
  if (!settings_.token.empty() && here.scheme == "https" && here.same_origin(endpoint)) {
    headers.add("Authorization: Bearer " + settings_.token);
  }
  const std::string agent = user_agent();
  exchange.may_be_near = settings_.proxied || same_name(here.host, endpoint.host);
  lib.easy_setopt(handle, CURLOPT_URL, exchange.url.c_str());
  lib.easy_setopt(handle, CURLOPT_USERAGENT, agent.c_str());
  lib.easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  set_manners(handle, settings_, left);
  set_taker(handle, exchange);
  if (exchange.range) {
    lib.easy_setopt(handle, CURLOPT_RANGE, range_text(*exchange.range).c_str());
  }
  exchange.reset();
  const CURLcode code = lib.easy_perform(handle);
  ++requests_;
  handles_->give(handle);
  exchange.require_sound(code);
}

/// Through redirects to an answer.
void Transfer::follow(Exchange& exchange) {
  const bool open = address_of(settings_.endpoint).scheme == "http";
  for (int hops = 0;; ++hops) {
    perform(exchange);
    const bool moved = exchange.status == 301 || exchange.status == 302 || exchange.status == 303 ||
                       exchange.status == 307 || exchange.status == 308;
    if (!moved) {
      return;
    }
    const Place place{exchange.url, {}, {}};
    if (hops == most_redirects) {
      throw Error("more than " + std::to_string(most_redirects) + " redirects", place);
    }
    std::string next = exchange.location;
    if (next.rfind("//", 0) == 0) {
      next = address_of(exchange.url).scheme + ":" + next;
    } else if (!next.empty() && next.front() == '/') {
      const Address here = address_of(exchange.url);
      next = exchange.url.substr(0, exchange.url.find('/', here.scheme.size() + 3)) + next;
    }
    const Address to = address_of(next);
    if (!to.good || (to.scheme != "https" && !open)) {
      throw Error("the hub leads to \"" + printable(next, 120) + "\", which is not followed", place,
                  "expected an https address");
    }
    exchange.url = next;
  }
}

Answer Transfer::get(const std::string& path, const std::optional<Range>& range,
                     std::int64_t limit) {
  Exchange exchange;
  exchange.path = path;
  exchange.range = range;
  exchange.limit = limit;
  exchange.counter = &bytes_;
  exchange.most_bytes = settings_.most_bytes;
  for (int attempt = 1;; ++attempt) {
    exchange.url = settings_.endpoint + path;
    follow(exchange);
    if (!is_busy(exchange.status) || attempt == most_attempts) {
      break;
    }
    const auto wait = wait_before(exchange.retry_after, attempt);
    if (Clock::now() + wait > end_) {
      break;
    }
    std::this_thread::sleep_for(wait);
  }
  const Place place{settings_.endpoint + path, {}, {}};
  const long status = exchange.status;
  require_document(status, range.has_value(), settings_, place);
  if (!exchange.encoding.empty() && exchange.encoding != "identity") {
    throw Error(
        "the server compresses (" + printable(exchange.encoding, 40) + ") what was not asked so",
        place);
  }
  Answer answer{std::move(exchange.body), 0};
  answer.total = static_cast<std::int64_t>(answer.body.size());
  if (status == 206) {
    const auto total = total_of(exchange.range_said, *range, answer.body.size());
    if (!total) {
      throw Error("the server answers another range than was asked: \"" +
                      printable(exchange.range_said, 60) + "\" with " +
                      std::to_string(answer.body.size()) + " bytes",
                  place);
    }
    answer.total = *total;
  } else if (range && range->first != 0) {
    throw Error("the server ignores ranges", place);
  }
  return answer;
}

Answer Transfer::whole(const std::string& path, std::int64_t limit) {
  return get(path, std::nullopt, limit);
}

Answer Transfer::part(const std::string& path, const Range& range) {
  return get(path, range, range.count);
}

}  // namespace macfit::hub
