# What a results file says about the program that wrote it: generated/build_info.hpp, looked at anew
# by every build, for the revision changes without this file being read again.
set(_compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
set(_flags "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${_build_type}} -ffp-contract=fast")
if(ISOCHRON_SANITIZE)
  string(APPEND _flags " -fsanitize=address,undefined")
endif()
if(NOT _build_type STREQUAL "DEBUG")
  string(APPEND _flags " -O3")
endif()
if(ISOCHRON_NATIVE)
  string(APPEND _flags " -march=native")
endif()
string(STRIP "${_flags}" _flags)
find_package(Git QUIET)
set(_write_build_info
  ${CMAKE_COMMAND} -D "GIT=${GIT_EXECUTABLE}" -D "SOURCE_DIR=${PROJECT_SOURCE_DIR}"
          -D "VERSION=${PROJECT_VERSION}" -D "COMPILER=${_compiler}" -D "FLAGS=${_flags}"
          -D "ISOCHRON_HAS_MPI=${MPI_CXX_FOUND}"
          -D "OUTPUT=${PROJECT_BINARY_DIR}/generated/build_info.hpp"
          -P ${PROJECT_SOURCE_DIR}/cmake/build_info.cmake)
execute_process(COMMAND ${_write_build_info})  # for tools that only read the sources
add_custom_target(isochron_build_info
  COMMAND ${_write_build_info}
  BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/build_info.hpp
  COMMENT "" VERBATIM)
