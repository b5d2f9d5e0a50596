# install(), the package that find_package(macfit) finds, and a .deb by CPack.

include(CMakePackageConfigHelpers)
set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/macfit")

install(TARGETS macfit_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
install(TARGETS macfit EXPORT macfit_targets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/macfit" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.hpp"
  PATTERN "cli" EXCLUDE)
install(EXPORT macfit_targets NAMESPACE macfit:: DESTINATION "${config_dir}")

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/macfit-config.cmake.in"
  "${PROJECT_BINARY_DIR}/macfit-config.cmake" INSTALL_DESTINATION "${config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/macfit-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/macfit-config.cmake"
  "${PROJECT_BINARY_DIR}/macfit-config-version.cmake"
  DESTINATION "${config_dir}")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(DIRECTORY "${PROJECT_SOURCE_DIR}/docs/schema" DESTINATION "${CMAKE_INSTALL_DATADIR}/macfit"
  FILES_MATCHING PATTERN "*.schema.json")

# The man page and completions are what the program itself says, so it has to run here.
if(NOT CMAKE_CROSSCOMPILING)
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
  install(FILES "${shared}/macfit.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${shared}/macfit.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME macfit)
  install(FILES "${shared}/_macfit" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES "${shared}/macfit.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME macfit)
set(CPACK_PACKAGE_VENDOR "macfit contributors")
set(CPACK_PACKAGE_CONTACT "macfit contributors")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libfmt-dev, nlohmann-json3-dev")
include(CPack)
