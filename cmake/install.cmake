# `cmake --install` gives a package that find_package(isochron) finds.
include(CMakePackageConfigHelpers)
install(TARGETS isochron EXPORT isochronTargets)
install(TARGETS isochron_program)
install(DIRECTORY include/isochron DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT isochronTargets NAMESPACE isochron::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/isochron)
configure_package_config_file(cmake/isochronConfig.cmake.in
  ${PROJECT_BINARY_DIR}/isochronConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/isochron)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/isochronConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/isochronConfig.cmake
              ${PROJECT_BINARY_DIR}/isochronConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/isochron)
