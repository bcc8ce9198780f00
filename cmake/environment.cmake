# What a results file says about the program that wrote it: generated/build_info.hpp.
string(TOUPPER "${CMAKE_BUILD_TYPE}" _build_type)
set(ISOCHRON_COMPILER "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
set(ISOCHRON_FLAGS "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${_build_type}} -O3")
if(ISOCHRON_NATIVE)
  string(APPEND ISOCHRON_FLAGS " -march=native")
endif()
string(STRIP "${ISOCHRON_FLAGS}" ISOCHRON_FLAGS)
set(ISOCHRON_GIT_REVISION "unknown")
find_package(Git QUIET)
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    OUTPUT_VARIABLE _revision OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _failed ERROR_QUIET)
  if(NOT _failed)
    set(ISOCHRON_GIT_REVISION "${_revision}")
  endif()
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/build_info.hpp.in
               ${PROJECT_BINARY_DIR}/generated/build_info.hpp @ONLY)
