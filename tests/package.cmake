# A project of its own, whose sources are those that README shows, finds the library where it is
# installed and in the build folder.
set(_package ${CMAKE_CURRENT_BINARY_DIR}/package)
set(_prefix "${_package}/a prefix")
set(_consumer_says
  "loss tolerance reached: loss [0-9.e-]+, f\\(1\\) [+] 1 = -?([0-9.]+e-(0[89]|[1-9][0-9])|0)\n")
function(isochron_consumer_test name)  # and what leads to the package
  add_test(NAME ${name}
    COMMAND ${CMAKE_CTEST_COMMAND}
      --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/package ${_package}/${name}
      --build-generator ${CMAKE_GENERATOR}
      --build-options ${ARGN} -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                      -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF
      --test-command consumer)
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 PASS_REGULAR_EXPRESSION "${_consumer_says}")
endfunction()
add_test(NAME package_install
  COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --prefix ${_prefix})
add_test(NAME package_program COMMAND ${_prefix}/${CMAKE_INSTALL_BINDIR}/isochron --version)
isochron_consumer_test(package_library -DCMAKE_PREFIX_PATH=${_prefix})
isochron_consumer_test(package_build_folder -Disochron_DIR=${PROJECT_BINARY_DIR})
# The same source, compiled by what pkg-config says; the prefix has been moved.
add_test(NAME package_pkgconfig COMMAND bash ${CMAKE_CURRENT_SOURCE_DIR}/package/pkgconfig.sh
  ${CMAKE_CXX_COMPILER} ${_prefix} ${CMAKE_INSTALL_LIBDIR})
set_tests_properties(package_pkgconfig PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77
  PASS_REGULAR_EXPRESSION "${_consumer_says}")
set_tests_properties(package_install PROPERTIES FIXTURES_SETUP package)
set_tests_properties(package_program package_library package_pkgconfig
  PROPERTIES FIXTURES_REQUIRED package)
# And the library is a part of another project, which configures and compiles what uses it; all of it
# is built, from a tarball, by scripts/package.sh.
foreach(_way FetchContent add_subdirectory)
  add_test(NAME package_${_way}
    COMMAND ${CMAKE_CTEST_COMMAND}
      --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/package/subproject ${_package}/${_way}
      --build-generator ${CMAKE_GENERATOR} --build-target compiled
      --build-options -DISOCHRON=${PROJECT_SOURCE_DIR} -DWAY=${_way} -DCMAKE_BUILD_TYPE=Release
                      -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER})
endforeach()
