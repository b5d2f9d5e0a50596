# macfit_compiler: language, warnings and version for every target of this project, linked PRIVATE.
# Instrumentation (sanitizers, coverage, fuzzing) goes to the whole tree, fetched dependencies included.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(CCACHE_PROGRAM ccache)
  mark_as_advanced(CCACHE_PROGRAM)
  if(CCACHE_PROGRAM)
    # Precompiled headers are cached only with this sloppiness.
    set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${CCACHE_PROGRAM}")
  endif()
endif()

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Kind of build" FORCE)
endif()

if(MACFIT_SANITIZE)
  add_compile_options(-fsanitize=${MACFIT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MACFIT_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # false alarms in the standard library's own headers
  endif()
endif()
if(MACFIT_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
if(MACFIT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MACFIT_FUZZ needs Clang, not ${CMAKE_CXX_COMPILER_ID}: use the preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Parses a header once for all sources of a target.
function(macfit_precompile target header)
  target_precompile_headers(${target} PRIVATE ${header})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)  # for ccache
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")  # for ccache
  endif()
endfunction()

add_library(macfit_compiler INTERFACE)
target_compile_features(macfit_compiler INTERFACE cxx_std_20)
target_compile_definitions(macfit_compiler INTERFACE MACFIT_VERSION="${PROJECT_VERSION}")
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(macfit_compiler INTERFACE -Wall -Wextra -Wpedantic -Wconversion)
  # In a batch, one source's functions are global to the next one's variables.
  if(NOT MACFIT_UNITY)
    target_compile_options(macfit_compiler INTERFACE -Wshadow)
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(macfit_compiler INTERFACE -Wshadow=local)
  endif()
endif()
if(MACFIT_WERROR)
  target_compile_options(macfit_compiler INTERFACE -Werror)
endif()
set(CMAKE_CXX_EXTENSIONS OFF)
