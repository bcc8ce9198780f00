# Debian's package of SLEEF brings no CMake configuration.
find_path(sleef_INCLUDE_DIR sleef.h)
find_library(sleef_LIBRARY sleef)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(sleef REQUIRED_VARS sleef_LIBRARY sleef_INCLUDE_DIR)
