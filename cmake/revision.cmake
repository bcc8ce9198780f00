# Sets GIT_REVISION to the revision of the sources in SOURCE_DIR, by the git at GIT, if there is one.

# The revision of the sources, not that of a repository which they were unpacked into: git gives this
# file the name that it has here only if it is tracked and the repository begins at SOURCE_DIR. What
# the environment says of a repository is of another one, as in a hook of git. A tarball of the sources
# brings its revision along.
set(GIT_REVISION "unknown")
if(EXISTS ${SOURCE_DIR}/cmake/revision.txt)
  file(READ ${SOURCE_DIR}/cmake/revision.txt GIT_REVISION)
endif()
if(GIT)
  set(_git ${CMAKE_COMMAND} -E env --unset=GIT_DIR --unset=GIT_WORK_TREE --unset=GIT_INDEX_FILE
           --unset=GIT_PREFIX ${GIT} -C ${SOURCE_DIR})
  set(_tracked cmake/revision.cmake)
  execute_process(COMMAND ${_git} ls-files --full-name ${_tracked}
    OUTPUT_VARIABLE _name OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  # Not as short as each repository can have it: two of one commit say the same.
  execute_process(COMMAND ${_git} describe --always --dirty --abbrev=12
    OUTPUT_VARIABLE _revision OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE _failed ERROR_QUIET)
  if(_name STREQUAL _tracked AND NOT _failed)
    set(GIT_REVISION "${_revision}")
  endif()
endif()
