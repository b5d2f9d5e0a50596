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
