#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace macfit::hub {

/// How a hub is talked to. Nothing of a person goes out but the token.
struct TransferSettings {
  std::string endpoint = "https://huggingface.co";  ///< HF_ENDPOINT; without a slash at its end
  std::string token;     ///< HF_TOKEN: sent by https to the endpoint alone
  std::string ca_file;   ///< CURL_CA_BUNDLE or SSL_CERT_FILE; empty: the system's
  bool proxied = false;  ///< a proxy is set: addresses can't be looked at before they are used
  std::int64_t most_bytes = std::int64_t{64} << 20U;  ///< of one Transfer, all answers together
  std::chrono::seconds patience{120};                 ///< for all of it
  std::chrono::seconds stall{15};  ///< HF_HUB_DOWNLOAD_TIMEOUT: without a connection or bytes
};

/// By HF_ENDPOINT, HF_TOKEN (or the file of `hf auth login`), the proxy variables and the rest.
/// Throws Error for an endpoint that is no http or https address.
[[nodiscard]] TransferSettings settings_from(
    const std::function<std::string(const char*)>& environment);

struct Range {
  std::int64_t first = 0;
  std::int64_t count = 0;  ///< at least 1
};

struct Answer {
  std::string body;
  std::int64_t total = 0;  ///< bytes of the whole file, where a range was asked
};

/// Requests to one hub, safe from several threads. Every answer is bounded in bytes and time;
/// addresses of this machine and its network are refused after a redirect; content that comes
/// compressed unasked is refused; busy servers (429, 5xx) are asked up to four times.
class Transfer {
 public:
  explicit Transfer(TransferSettings settings);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// A whole document of at most `limit` bytes. Throws Error: what was asked, what came, what to
  /// do.
  [[nodiscard]] Answer whole(const std::string& path, std::int64_t limit);
  /// A part of a file; shorter than asked only where the file ends. Throws Error where the server
  /// ignores the range or lies about lengths.
  [[nodiscard]] Answer part(const std::string& path, const Range& range);

  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  [[nodiscard]] const TransferSettings& settings() const { return settings_; }

 private:
  struct Handles;
  struct Exchange;
  Answer get(const std::string& path, const std::optional<Range>& range, std::int64_t limit);
  void perform(Exchange& exchange);
  void follow(Exchange& exchange);

  TransferSettings settings_;
  std::unique_ptr<Handles> handles_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<int> requests_{0};
  std::atomic<std::int64_t> bytes_{0};
};

}  // namespace macfit::hub
