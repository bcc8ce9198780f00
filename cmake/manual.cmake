# Manual pages and the completion of bash, written by a program from the table of options.
add_executable(isochron_write_manual src/cli/write_manual.cpp)
target_link_libraries(isochron_write_manual PRIVATE isochron_cli)
isochron_compiler_settings(isochron_write_manual -O1)
isochron_precompile(isochron_write_manual isochron_cli)
set(_manual ${PROJECT_BINARY_DIR}/manual)
add_custom_command(OUTPUT ${_manual}/man1/isochron.1
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${_manual}
  COMMAND isochron_write_manual ${_manual}
  DEPENDS isochron_write_manual
  COMMENT "Writing the manual pages")
add_custom_target(isochron_manual ALL DEPENDS ${_manual}/man1/isochron.1)
