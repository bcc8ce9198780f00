# Run by cpack when the files of a package are in place, before they are packed.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(_documents ${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/isochron)
  file(RENAME ${_documents}/LICENSE ${_documents}/copyright)
  # The changes by version are in CHANGELOG.md; Debian's form names the version, the maintainer and
  # the date, which SOURCE_DATE_EPOCH sets.
  string(TIMESTAMP _date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE ${_documents}/changelog
    "isochron (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n"
    "  * See CHANGELOG.md.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${_date}\n")
  file(GLOB _pages ${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/man1/*.1)
  execute_process(COMMAND gzip -9n ${_documents}/changelog ${_pages} COMMAND_ERROR_IS_FATAL ANY)
elseif(CPACK_INSTALLED_DIRECTORIES)  # the sources
  set(SOURCE_DIR ${CPACK_SOURCES})
  set(GIT ${CPACK_GIT})
  include(${CMAKE_CURRENT_LIST_DIR}/revision.cmake)
  file(WRITE ${CPACK_TEMPORARY_DIRECTORY}/cmake/revision.txt "${GIT_REVISION}")
endif()
