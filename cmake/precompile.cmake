# Eigen and the standard library take longer to read than many a source takes to compile. One
# precompiled header, that of the library, serves every target that has its definitions and flags.
# It could hide a missing #include, as a build of a dozen sources at once (all presets) does: a project
# that takes the sources along compiles them one by one, without it (tests/package/tarball.sh). The
# examples never use it.
function(isochron_precompile target)
  if(NOT ISOCHRON_PRECOMPILE)
    return()
  endif()
  if(target STREQUAL "isochron")
    target_precompile_headers(isochron PRIVATE
      <Eigen/Dense> <algorithm> <filesystem> <fstream> <functional> <map> <memory> <optional>
      <string> <vector>)
  else()
    target_precompile_headers(${target} REUSE_FROM isochron)
    target_link_libraries(${target} PRIVATE fmt::fmt)  # the header was compiled with its definitions
  endif()
endfunction()
