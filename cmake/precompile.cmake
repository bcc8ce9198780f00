# Eigen and the standard library take longer to read than many a source takes to compile. A precompiled header
# serves every target that has the definitions and flags of its owner, which is the library unless another one is
# named: GCC optimises what it has read from the header as it was told when it made that. In Debug all targets have
# the flags of the library.
# With it, Eigen's kernels of dense products are compiled once.
# It could hide a missing #include, as a build of a dozen sources at once (all presets) does: a project
# that takes the sources along compiles them one by one, without it (tests/package/tarball.sh). The
# examples never use it.
function(isochron_precompile target)  # and an owner
  if(NOT ISOCHRON_PRECOMPILE)
    return()
  endif()
  set(_owner ${ARGN} isochron)
  list(GET _owner 0 _owner)
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(_owner isochron)
  endif()
  if(target STREQUAL "isochron")
    set(_kernels ${PROJECT_SOURCE_DIR}/src/dense_kernels.cpp)
    target_sources(${target} PRIVATE ${_kernels})
    set_source_files_properties(${_kernels} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
  if(target STREQUAL _owner)
    target_precompile_headers(${target} PRIVATE
      ${PROJECT_SOURCE_DIR}/src/dense_kernels.hpp <algorithm> <filesystem> <fstream> <functional> <map> <memory> <optional>
      <string> <vector>)
  else()
    target_precompile_headers(${target} REUSE_FROM ${_owner})
    # The header was compiled with these.
    target_compile_definitions(${target} PRIVATE $<TARGET_PROPERTY:${_owner},COMPILE_DEFINITIONS>)
  endif()
endfunction()
