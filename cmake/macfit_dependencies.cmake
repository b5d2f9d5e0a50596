# What the system has is taken; only what it lacks is fetched. Test and benchmark libraries are looked for in
# tests/ and bench/. FetchContent is included late: Homebrew's CMake wrapper stops at its first use.

function(macfit_fetch name repository tag)
  message(STATUS "${name}: not found, fetching ${tag}")
  include(FetchContent)
  FetchContent_Declare(${name} GIT_REPOSITORY "${repository}" GIT_TAG "${tag}" GIT_SHALLOW ON SYSTEM)
  FetchContent_MakeAvailable(${name})
endfunction()

if(EMSCRIPTEN)
  include(macfit_emscripten)
endif()
find_package(Threads REQUIRED)

find_package(fmt QUIET)
if(NOT TARGET fmt::fmt)
  set(FMT_INSTALL ${MACFIT_INSTALL})
  macfit_fetch(fmt https://github.com/fmtlib/fmt.git 10.2.1)
endif()

find_package(nlohmann_json 3.9 QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  set(JSON_Install OFF)
  macfit_fetch(nlohmann_json https://github.com/nlohmann/json.git v3.11.3)
endif()

# Its headers alone: src/hub/curl.cpp loads the library itself.
if(MACFIT_NETWORK)
  find_package(CURL 7.68 QUIET)
  if(NOT CURL_FOUND)
    message(FATAL_ERROR "libcurl's headers are not found: install libcurl4-openssl-dev (Debian) or curl (Homebrew), or "
      "leave out what needs a network: -DMACFIT_NETWORK=OFF")
  endif()
endif()

if(NOT MACFIT_PROGRAM)
  return()
endif()

find_package(CLI11 QUIET)
if(NOT TARGET CLI11::CLI11)
  macfit_fetch(CLI11 https://github.com/CLIUtils/CLI11.git v2.4.2)
endif()

find_package(spdlog QUIET)
if(NOT TARGET spdlog::spdlog)
  set(SPDLOG_FMT_EXTERNAL ON)
  macfit_fetch(spdlog https://github.com/gabime/spdlog.git v1.14.1)
endif()

# Loading shared libfmt, libspdlog and libstdc++ takes more than half of the program's start-up, so a Release
# executable on Linux carries them itself. Distributions ship fmt only as a shared library, hence fmt_static.cpp,
# taken where this fmt can be linked that way.
add_library(macfit_static_runtime INTERFACE)
set(MACFIT_SPDLOG spdlog::spdlog)
if(MACFIT_STATIC_RUNTIME AND CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  get_target_property(fmt_kind fmt::fmt TYPE)
  set(fmt_linked_in ON)
  if(fmt_kind STREQUAL "SHARED_LIBRARY")
    if(NOT DEFINED MACFIT_FMT_STATIC)
      get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
      message(CHECK_START "fmt can be linked in")
      try_compile(MACFIT_FMT_STATIC "${PROJECT_BINARY_DIR}/fmt_static"
        SOURCES "${PROJECT_SOURCE_DIR}/cmake/fmt_static.cpp" "${PROJECT_SOURCE_DIR}/cmake/fmt_static_probe.cpp"
        CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${fmt_include}"
        CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
      if(MACFIT_FMT_STATIC)
        message(CHECK_PASS "yes")
      else()
        message(CHECK_FAIL "no, shared libraries are used")
      endif()
    endif()
    if(MACFIT_FMT_STATIC)
      add_library(macfit_fmt OBJECT "${PROJECT_SOURCE_DIR}/cmake/fmt_static.cpp")
      target_link_libraries(macfit_fmt PRIVATE fmt::fmt)
      target_compile_features(macfit_fmt PRIVATE cxx_std_20)
      target_sources(macfit_static_runtime INTERFACE $<TARGET_OBJECTS:macfit_fmt>)
    else()
      set(fmt_linked_in OFF)
    endif()
  endif()
  if(fmt_linked_in)
    target_link_options(macfit_static_runtime INTERFACE
      -static-libstdc++ -static-libgcc LINKER:--as-needed LINKER:--gc-sections LINKER:-z,relro,-z,now)
    if(TARGET spdlog::spdlog_header_only)
      set(MACFIT_SPDLOG spdlog::spdlog_header_only)
    endif()
  endif()
endif()
