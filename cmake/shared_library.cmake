# The shared library: which names it shows, and its copies for newer processors.

# A program, the library and others that use Eigen may be compiled for different processors. Each has
# to call its own copies of Eigen's templates, so the library shows nothing but its own names.
function(isochron_own_names target)
  if(NOT APPLE)
    set(_names ${PROJECT_SOURCE_DIR}/cmake/shared_library.map)
    target_link_options(${target} PRIVATE LINKER:--version-script=${_names})
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${_names})
  endif()
endfunction()

# The whole library again for each level of the x86-64 processors above the first. They are installed
# in glibc-hwcaps beside the library that every processor runs; from there the dynamic loader (glibc
# 2.33 or later) takes the best one for the machine. They are the same but for instructions: public
# types do not depend on them.
function(isochron_for_newer_processors)
  if(NOT BUILD_SHARED_LIBS OR ISOCHRON_NATIVE OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    message(FATAL_ERROR "ISOCHRON_HWCAPS is for shared, portable code on x86-64, and this is not; "
      "set BUILD_SHARED_LIBS=ON and ISOCHRON_NATIVE=OFF, or use the preset package")
  endif()
  foreach(_level x86-64-v3 x86-64-v4)
    set(_target isochron_${_level})
    set(_folder glibc-hwcaps/${_level})
    add_library(${_target} SHARED)
    foreach(_property SOURCES INCLUDE_DIRECTORIES COMPILE_DEFINITIONS COMPILE_FEATURES COMPILE_OPTIONS
                      LINK_LIBRARIES LINK_OPTIONS LINK_DEPENDS VERSION SOVERSION)
      get_target_property(_value isochron ${_property})
      if(NOT _value MATCHES "-NOTFOUND$")
        set_target_properties(${_target} PROPERTIES ${_property} "${_value}")
      endif()
    endforeach()
    target_include_directories(${_target} SYSTEM PRIVATE ${HDF5_C_INCLUDE_DIRS} ${sleef_INCLUDE_DIR})
    target_compile_options(${_target} PRIVATE -march=${_level})
    target_compile_definitions(${_target} PRIVATE ISOCHRON_LEVEL="${_level}")
    add_dependencies(${_target} isochron_build_info)
    set_target_properties(${_target} PROPERTIES OUTPUT_NAME isochron
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${_folder})
    install(TARGETS ${_target}
      LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/${_folder} NAMELINK_SKIP)
  endforeach()
endfunction()

get_target_property(_type isochron TYPE)
if(_type STREQUAL "SHARED_LIBRARY")
  isochron_own_names(isochron)
endif()
if(ISOCHRON_HWCAPS)
  isochron_for_newer_processors()
endif()
