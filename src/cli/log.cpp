#include "log.hpp"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "macfit/core/text.hpp"

namespace macfit::cli {
namespace {

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("macfit",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("macfit: %v");
    return made;
  }();
  return instance;
}

}  // namespace

Log::Log(const Common& common) {
  logger()->set_level(common.verbose ? spdlog::level::debug
                      : common.quiet ? spdlog::level::err
                                     : spdlog::level::warn);
}

void Log::detail(const std::string& text) const { logger()->debug(printable(text, 1000)); }

void Log::warn(const std::string& text) const { tell(text); }

void tell(const std::string& text) { logger()->warn(printable(text, 1000)); }

}  // namespace macfit::cli
