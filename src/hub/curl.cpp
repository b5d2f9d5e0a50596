#include "curl.hpp"

#include <dlfcn.h>
#include <string>

#include "macfit/core/error.hpp"
#include "macfit/hub/user_agent.hpp"

namespace macfit::hub {
namespace {

#ifdef __APPLE__
constexpr const char* library_name = "libcurl.4.dylib";
constexpr const char* remedy = "it belongs to macOS: brew install curl";
#else
constexpr const char* library_name = "libcurl.so.4";
constexpr const char* remedy = "apt-get install libcurl4";
#endif

void* open_library() {
  void* library = ::dlopen(library_name, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    throw Error(std::string("libcurl, which talks to servers, can't be loaded: ") +
                    (why != nullptr ? why : library_name),
                {}, remedy);
  }
  return library;
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) {
    throw Error(std::string(library_name) + " has no " + name + ": libcurl 7.68 or later is needed",
                {}, remedy);
  }
}

Curl load() {
  void* library = open_library();
  Curl curl{};
  find(library, "curl_global_init", curl.global_init);
  find(library, "curl_version_info", curl.version_info);
  find(library, "curl_easy_init", curl.easy_init);
  find(library, "curl_easy_setopt", curl.easy_setopt);
  find(library, "curl_easy_getinfo", curl.easy_getinfo);
  find(library, "curl_easy_perform", curl.easy_perform);
  find(library, "curl_easy_reset", curl.easy_reset);
  find(library, "curl_easy_cleanup", curl.easy_cleanup);
  find(library, "curl_easy_strerror", curl.easy_strerror);
  find(library, "curl_multi_init", curl.multi_init);
  find(library, "curl_multi_add_handle", curl.multi_add_handle);
  find(library, "curl_multi_remove_handle", curl.multi_remove_handle);
  find(library, "curl_multi_perform", curl.multi_perform);
  find(library, "curl_multi_poll", curl.multi_poll);
  find(library, "curl_multi_wakeup", curl.multi_wakeup);
  find(library, "curl_multi_info_read", curl.multi_info_read);
  find(library, "curl_multi_cleanup", curl.multi_cleanup);
  find(library, "curl_multi_strerror", curl.multi_strerror);
  find(library, "curl_slist_append", curl.slist_append);
  find(library, "curl_slist_free_all", curl.slist_free_all);
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    throw Error("libcurl can't be initialized", {}, remedy);
  }
  return curl;
}

}  // namespace

const Curl& curl() {
  static const Curl loaded = load();
  return loaded;
}

std::string user_agent() {
  return std::string("macfit/") + MACFIT_VERSION + " libcurl/" +
         curl().version_info(CURLVERSION_NOW)->version;
}

}  // namespace macfit::hub
