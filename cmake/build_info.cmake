# Writes OUTPUT, if it is not there or says something else. Run by the target isochron_build_info.

# The revision of the sources, not that of a repository which they were unpacked into: git gives this
# file the name that it has here only if it is tracked and the repository begins at SOURCE_DIR. What
# the environment says of a repository is of another one, as in a hook of git.
set(GIT_REVISION "unknown")
if(GIT)
  set(_git ${CMAKE_COMMAND} -E env --unset=GIT_DIR --unset=GIT_WORK_TREE --unset=GIT_INDEX_FILE
           --unset=GIT_PREFIX ${GIT} -C ${SOURCE_DIR})
  set(_tracked cmake/build_info.cmake)
  execute_process(COMMAND ${_git} ls-files --full-name ${_tracked}
    OUTPUT_VARIABLE _name OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${_git} describe --always --dirty
    OUTPUT_VARIABLE _revision OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _failed ERROR_QUIET)
  if(_name STREQUAL _tracked AND NOT _failed)
    set(GIT_REVISION "${_revision}")
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/build_info.hpp.in ${OUTPUT} @ONLY)
