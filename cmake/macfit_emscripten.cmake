# What the page's engine is compiled with, for ./dev web: the system's fmt and nlohmann/json, both headers alone, from a
# folder that holds nothing else, as the C library's headers beside them are not WebAssembly's.

add_compile_options(-fwasm-exceptions)
add_link_options(-fwasm-exceptions)
# find_package(Threads) would ask for real ones, which a page has only with headers of its server.
set(CMAKE_HAVE_LIBC_PTHREAD ON)

set(headers "${PROJECT_BINARY_DIR}/headers")
file(MAKE_DIRECTORY "${headers}")
foreach(library fmt/format nlohmann/json)
  get_filename_component(folder "${library}" DIRECTORY)
  find_path(MACFIT_${folder} "${library}.hpp" "${library}.h" PATHS /usr/include /usr/local/include /opt/homebrew/include
    NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  mark_as_advanced(MACFIT_${folder})
  file(CREATE_LINK "${MACFIT_${folder}}/${folder}" "${headers}/${folder}" SYMBOLIC)
endforeach()

set(CMAKE_DISABLE_FIND_PACKAGE_fmt ON)
set(CMAKE_DISABLE_FIND_PACKAGE_nlohmann_json ON)
add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
target_include_directories(nlohmann_json::nlohmann_json INTERFACE "${headers}")
add_library(fmt_headers INTERFACE)
target_include_directories(fmt_headers SYSTEM INTERFACE "${headers}")
add_library(fmt::fmt ALIAS fmt_headers)
