# The catalogs (models/*.json, hardware/*.json, runtimes/*.json) compiled into the library: see macfit/core/embedded.hpp.

function(macfit_embed_catalogs target)
  set(MACFIT_EMBED_FILES)
  set(depends)
  foreach(catalog models hardware runtimes)
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${catalog}/*.json")
    list(FILTER files EXCLUDE REGEX "schema\\.json$")
    list(SORT files)
    list(APPEND depends ${files})
    string(APPEND MACFIT_EMBED_FILES "set(${catalog}_files [==[${files}]==])\n")
  endforeach()
  set(list_file "${PROJECT_BINARY_DIR}/embedded/files.cmake")
  set(output "${PROJECT_BINARY_DIR}/embedded/embedded.cpp")
  # Written only when it changes, so that a file added or removed makes the sources anew and nothing else does.
  file(CONFIGURE OUTPUT "${list_file}" CONTENT "@MACFIT_EMBED_FILES@" @ONLY)
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DLIST=${list_file}" "-DOUTPUT=${output}" -P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS ${depends} "${list_file}" "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    COMMENT "Embedding the catalogs"
    VERBATIM)
  set_source_files_properties("${output}" PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  target_sources(${target} PRIVATE "${output}")
endfunction()
