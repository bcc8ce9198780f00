# LBFGSpp is headers only, and Debian's package brings no CMake configuration.
find_path(lbfgspp_INCLUDE_DIR LBFGS.h)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(lbfgspp REQUIRED_VARS lbfgspp_INCLUDE_DIR)
if(lbfgspp_FOUND AND NOT TARGET lbfgspp::lbfgspp)
  add_library(lbfgspp::lbfgspp INTERFACE IMPORTED)
  target_include_directories(lbfgspp::lbfgspp SYSTEM INTERFACE ${lbfgspp_INCLUDE_DIR})
endif()
