#include "transfers.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <new>
#include <string_view>
#include <utility>

#include "../hub/curl.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"
#include "macfit/hub/user_agent.hpp"

namespace macfit::run {
namespace {

using hub::curl;

constexpr std::size_t most_header_bytes = std::size_t{256} << 10;
constexpr double longest_retry_after = 3600.0;  // seconds

void add_header(curl_slist*& list, const std::string& line) {
  curl_slist* longer = curl().slist_append(list, line.c_str());
  if (longer == nullptr) {
    throw std::bad_alloc();
  }
  list = longer;
}

}  // namespace

struct Transfers::Request {
  std::uint64_t tag = 0;
  std::string body;
  Exchange exchange;
  std::size_t header_bytes = 0;
  std::size_t most_bytes = 0;
  bool too_large = false;
};

struct Transfers::State {
  Limits limits;
  CURLM* multi = nullptr;
  curl_slist* headers = nullptr;
  std::map<CURL*, std::unique_ptr<Request>> requests;
  std::vector<CURL*> idle;
  std::string agent;

  CURL* handle() {
    if (idle.empty()) {
      CURL* made = curl().easy_init();
      if (made == nullptr) {
        throw std::bad_alloc();
      }
      return made;
    }
    CURL* last = idle.back();
    idle.pop_back();
    return last;
  }

  static std::size_t take_body(char* data, std::size_t /*size*/, std::size_t count, void* to);
  static std::size_t take_header(char* data, std::size_t /*size*/, std::size_t count, void* to);
  static Exchange::End end_of(CURL* easy, CURLcode code, const Request& request);
};

std::size_t Transfers::State::take_body(char* data, std::size_t /*size*/, std::size_t count,
                                        void* to) {
  auto& request = *static_cast<Request*>(to);
  if (request.exchange.body.size() + count > request.most_bytes) {
    request.too_large = true;
    return 0;
  }
  request.exchange.body.append(data, count);
  return count;
}

std::size_t Transfers::State::take_header(char* data, std::size_t /*size*/, std::size_t count,
                                          void* to) {
  auto& request = *static_cast<Request*>(to);
  request.header_bytes += count;
  if (request.header_bytes > most_header_bytes) {
    request.too_large = true;
    return 0;
  }
  const std::string_view line(data, count);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return count;
  }
  const std::string name = lower(line.substr(0, colon));
  const std::string value(trim(line.substr(colon + 1)));
  if (name == "content-encoding") {
    request.exchange.content_encoding = value;
  } else if (name == "location") {
    request.exchange.location = value;
  } else if (name == "retry-after") {
    request.exchange.retry_after =
        std::clamp(std::strtod(value.c_str(), nullptr), 0.0, longest_retry_after);
  }
  return count;
}

Exchange::End Transfers::State::end_of(CURL* easy, CURLcode code, const Request& request) {
  if (request.too_large) {
    return Exchange::End::too_large;
  }
  switch (code) {
    case CURLE_OK:
      return Exchange::End::whole;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
      return Exchange::End::refused;
    case CURLE_OPERATION_TIMEDOUT: {
      double sending = 0.0;  // seconds until the request was sent: none without a connection
      curl().easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME, &sending);
      return sending > 0.0 ? Exchange::End::late : Exchange::End::refused;
    }
    default:
      return Exchange::End::cut;
  }
}

Transfers::Transfers(Limits limits, const std::string& key) : state_(std::make_unique<State>()) {
  state_->limits = limits;
  state_->agent = hub::user_agent();
  state_->multi = curl().multi_init();
  if (state_->multi == nullptr) {
    throw std::bad_alloc();
  }
  add_header(state_->headers, "Content-Type: application/json");
  add_header(state_->headers, "Accept: application/json");
  add_header(state_->headers, "Expect:");  // no waiting for "100 Continue"
  if (!key.empty()) {
    add_header(state_->headers, "Authorization: Bearer " + key);
  }
}

Transfers::~Transfers() {
  drop();
  for (CURL* easy : state_->idle) {
    curl().easy_cleanup(easy);
  }
  curl().multi_cleanup(state_->multi);
  curl().slist_free_all(state_->headers);
}

void Transfers::drop() {
  for (auto& [easy, request] : state_->requests) {
    curl().multi_remove_handle(state_->multi, easy);
    state_->idle.push_back(easy);
  }
  state_->requests.clear();
}

void Transfers::post(std::uint64_t tag, const std::string& url, std::string body, double seconds) {
  const hub::Curl& api = curl();
  CURL* easy = state_->handle();
  auto request = std::make_unique<Request>();
  request->tag = tag;
  request->body = std::move(body);
  request->most_bytes = state_->limits.answer_bytes;
  api.easy_reset(easy);
  api.easy_setopt(easy, CURLOPT_URL, url.c_str());
  api.easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.c_str());
  api.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request->body.size()));
  api.easy_setopt(easy, CURLOPT_HTTPHEADER, state_->headers);
  api.easy_setopt(easy, CURLOPT_USERAGENT, state_->agent.c_str());
  api.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  api.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  api.easy_setopt(easy, CURLOPT_PROXY, "");
  // Where a connection that is used again turns out to be dead, libcurl sends the request a second
  // time by itself: a job that kills its worker would kill two and be blamed for none.
  api.easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  api.easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  api.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  api.easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  api.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                  static_cast<long>(state_->limits.connect_seconds * 1000.0));
  api.easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                  static_cast<long>(std::clamp(seconds, 0.1, 1e6) * 1000.0));
  api.easy_setopt(easy, CURLOPT_WRITEFUNCTION, &State::take_body);
  api.easy_setopt(easy, CURLOPT_WRITEDATA, request.get());
  api.easy_setopt(easy, CURLOPT_HEADERFUNCTION, &State::take_header);
  api.easy_setopt(easy, CURLOPT_HEADERDATA, request.get());
  state_->requests.emplace(easy, std::move(request));
  if (const CURLMcode code = api.multi_add_handle(state_->multi, easy); code != CURLM_OK) {
    throw Error(std::string("libcurl: ") + api.multi_strerror(code));
  }
}

std::vector<Transfers::Ended> Transfers::wait(double seconds) {
  const hub::Curl& api = curl();
  int running = 0;
  api.multi_perform(state_->multi, &running);
  std::vector<Ended> ended;
  const auto collect = [&] {
    int waiting = 0;
    while (const CURLMsg* message = api.multi_info_read(state_->multi, &waiting)) {
      if (message->msg != CURLMSG_DONE) {
        continue;
      }
      CURL* easy = message->easy_handle;
      const CURLcode code = message->data.result;
      const auto found = state_->requests.find(easy);
      Request& request = *found->second;
      Exchange& exchange = request.exchange;
      exchange.end = State::end_of(easy, code, request);
      long status = 0;
      api.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
      api.easy_getinfo(easy, CURLINFO_TOTAL_TIME, &exchange.seconds);
      exchange.status = static_cast<int>(status);
      exchange.detail = request.too_large  ? "the answer is larger than is taken"
                        : code == CURLE_OK ? ""
                                           : api.easy_strerror(code);
      ended.push_back({request.tag, std::move(exchange)});
      api.multi_remove_handle(state_->multi, easy);
      state_->requests.erase(found);
      state_->idle.push_back(easy);
    }
  };
  collect();
  if (ended.empty()) {
    api.multi_poll(state_->multi, nullptr, 0, static_cast<int>(seconds * 1000.0), nullptr);
    api.multi_perform(state_->multi, &running);
    collect();
  }
  return ended;
}

}  // namespace macfit::run
