# install(), the package that find_package(macfit) finds, and packages by CPack.
# Two components: runtime (the program and what belongs to it) and development (library, headers, CMake package).
# The catalogs are compiled in and not installed; the schemas are, for whoever checks what the program writes.

include(CMakePackageConfigHelpers)
set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/macfit")

install(TARGETS macfit EXPORT macfit_targets COMPONENT development ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
# nlohmann/json stays inside: headers that show it are of no use outside. Nor are those of rooms left out.
set(left_out)
if(NOT MACFIT_NETWORK)
  foreach(room IN LISTS macfit_network_rooms)
    list(APPEND left_out PATTERN "${room}" EXCLUDE)
  endforeach()
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/macfit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT development
  FILES_MATCHING PATTERN "*.hpp" PATTERN "*_json.hpp" EXCLUDE ${left_out})
install(EXPORT macfit_targets NAMESPACE macfit:: DESTINATION "${config_dir}" COMPONENT development)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/macfit-config.cmake.in"
  "${PROJECT_BINARY_DIR}/macfit-config.cmake" INSTALL_DESTINATION "${config_dir}"
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/macfit-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/macfit-config.cmake"
  "${PROJECT_BINARY_DIR}/macfit-config-version.cmake"
  DESTINATION "${config_dir}" COMPONENT development)

install(FILES
  "${PROJECT_SOURCE_DIR}/packaging/copyright"  # LICENSE, and the licenses of what is linked in
  "${PROJECT_SOURCE_DIR}/README.md"
  "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs" DESTINATION "${CMAKE_INSTALL_DOCDIR}"
  COMPONENT runtime
  FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "schema" EXCLUDE PATTERN "examples" EXCLUDE)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs"
  COMPONENT development)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/schema" DESTINATION "${CMAKE_INSTALL_DATADIR}/macfit"
  COMPONENT runtime
  FILES_MATCHING PATTERN "*.schema.json")

if(MACFIT_PROGRAM)
  install(TARGETS macfit_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
endif()

# The man page and completions are what the program itself says, so it has to run here.
if(MACFIT_PROGRAM AND (NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR))
  set(shared "${PROJECT_BINARY_DIR}/share")
  file(MAKE_DIRECTORY "${shared}")
  add_custom_command(
    OUTPUT "${shared}/macfit.1" "${shared}/macfit.bash" "${shared}/_macfit" "${shared}/macfit.fish"
    COMMAND macfit_cli help --man > "${shared}/macfit.1"
    COMMAND macfit_cli completion bash > "${shared}/macfit.bash"
    COMMAND macfit_cli completion zsh > "${shared}/_macfit"
    COMMAND macfit_cli completion fish > "${shared}/macfit.fish"
    DEPENDS macfit_cli
    VERBATIM)
  add_custom_target(macfit_shared ALL DEPENDS "${shared}/macfit.1")
  install(FILES "${shared}/macfit.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT runtime)
  install(FILES "${shared}/macfit.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME macfit
    COMPONENT runtime)
  install(FILES "${shared}/_macfit" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" COMPONENT runtime)
  install(FILES "${shared}/macfit.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d"
    COMPONENT runtime)
endif()

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME macfit)
string(TOLOWER "macfit-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR}" CPACK_PACKAGE_FILE_NAME)
set(CPACK_PACKAGE_VENDOR "macfit contributors")
set(CPACK_PACKAGE_CONTACT "macfit contributors <macfit@users.noreply.github.com>")
set(CPACK_PACKAGE_HOMEPAGE_URL "${PROJECT_HOMEPAGE_URL}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # each component has its own
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_STRIP_FILES ON)
set(CPACK_MACFIT_STRIP "${CMAKE_STRIP}")
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# Debian: macfit and libmacfit-dev. What its policy wants otherwise than every other system is done to the staged files.
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME macfit)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
if(MACFIT_NETWORK)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS libcurl4)
endif()
set(CPACK_DEBIAN_RUNTIME_DESCRIPTION
"tells which language models run on which Macs
Two Macs can cooperate but not merge their memory. Before anything is
downloaded, macfit tells whether a model fits on the Macs there are, under
which split and with how much room, how fast it will be, and what to type.

It knows the allocation rules of mlx-lm, EXO and llama.cpp, and carries a
catalog of models and Macs. It runs no models itself.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libmacfit-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "libfmt-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "macfit, cmake")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION
"library that plans which language models run on which Macs
The engine of macfit as a static library for C++20, with its headers and
the package that find_package(macfit) finds in CMake.")
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/packaging/debian/stage.cmake")
include(CPack)
