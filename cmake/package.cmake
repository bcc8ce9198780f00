# `cpack` gives a Debian package (of the preset package, for all processors), and
# `cpack -G TGZ --config CPackSourceConfig.cmake` a tarball of the sources.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME isochron)
set(CPACK_PACKAGE_CONTACT "the isochron authors <maintainers@isochron.example>"
    CACHE STRING "Who maintains the packages, with address")
set(CPACK_PACKAGE_DESCRIPTION
"isochron represents a force or the right-hand side of an ODE by a neural
network, integrates an ensemble of trajectories by SUNDIALS' CVODES or by
one-step methods, and fits orbits that close, prescribed periods or
measurements by L-BFGS and least squares on exact derivatives. This package
holds the program, the C++20 library, its headers and examples.")
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
# What is not for every installation: Debian's names of licence and changelog; the revision in a
# tarball.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/package_contents.cmake)
set(CPACK_SOURCES ${PROJECT_SOURCE_DIR})
find_package(Git QUIET)
set(CPACK_GIT ${GIT_EXECUTABLE})

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})  # isochron's own library
# The headers include Eigen's; `isochron plot` runs gnuplot. The program does without either.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libeigen3-dev (>= 3.4), gnuplot-nox | gnuplot, openmpi-bin")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "libopenmpi-dev")  # isochron/mpi.hpp
if(BUILD_SHARED_LIBS)
  # A program that uses the library needs the package in just this version. (What cpack can write itself
  # would name each copy of the library.)
  set(_shlibs ${PROJECT_BINARY_DIR}/generated/shlibs)
  file(WRITE ${_shlibs} "libisochron 0 isochron (= ${PROJECT_VERSION})\n")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${_shlibs} ${PROJECT_SOURCE_DIR}/cmake/triggers)
endif()

set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME isochron-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES "/\\.git/" "/\\.git$" "/\\.ci/" "/\\.cache/" "/build/" "/results/")
string(REGEX REPLACE "([][+.*()^$?|\\\\])" "\\\\\\1" _build ${PROJECT_BINARY_DIR})
if(NOT PROJECT_BINARY_DIR STREQUAL PROJECT_SOURCE_DIR)
  list(APPEND CPACK_SOURCE_IGNORE_FILES "^${_build}/")
endif()
include(CPack)
