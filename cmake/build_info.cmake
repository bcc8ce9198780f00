# Writes OUTPUT, if it is not there or says something else. Run by the target isochron_build_info.
include(${CMAKE_CURRENT_LIST_DIR}/revision.cmake)
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.hpp.in ${OUTPUT} @ONLY)
