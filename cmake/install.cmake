# `cmake --install` gives a package that find_package(isochron) and pkg-config find. The build folder
# is one, too, for find_package.
include(CMakePackageConfigHelpers)
set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/isochron)
install(TARGETS isochron EXPORT isochronTargets)
install(TARGETS isochron_program)
install(DIRECTORY include/isochron DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT isochronTargets NAMESPACE isochron:: DESTINATION ${_package})
export(EXPORT isochronTargets NAMESPACE isochron:: FILE ${PROJECT_BINARY_DIR}/isochronTargets.cmake)
configure_package_config_file(cmake/isochronConfig.cmake.in
  ${PROJECT_BINARY_DIR}/isochronConfig.cmake INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/isochronConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/isochronConfig.cmake
              ${PROJECT_BINARY_DIR}/isochronConfigVersion.cmake
        DESTINATION ${_package})

# A static library hands its private dependencies on to the linker.
set(_private_libraries "")
if(NOT BUILD_SHARED_LIBS)
  foreach(_library -lsundials_cvodes -lsundials_sunnonlinsolfixedpoint ${HDF5_C_LIBRARIES}
                   ${MPI_CXX_LIBRARIES} -lfmt -lsleef ${CMAKE_THREAD_LIBS_INIT})
    string(APPEND _private_libraries " ${_library}")
  endforeach()
endif()
file(RELATIVE_PATH _prefix_from_here /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" _prefix_from_here ${_prefix_from_here})
configure_file(cmake/isochron.pc.in ${PROJECT_BINARY_DIR}/generated/isochron.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/isochron.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY ${PROJECT_BINARY_DIR}/manual/man1 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${PROJECT_BINARY_DIR}/manual/completions/isochron
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)

set(_documents ${CMAKE_INSTALL_DATAROOTDIR}/doc/isochron)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${_documents})
install(DIRECTORY docs examples DESTINATION ${_documents} PATTERN CMakeLists.txt EXCLUDE)
