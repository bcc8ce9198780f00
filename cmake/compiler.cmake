# What GCC 12 concludes while it optimises depends on the processor. These are wrong on Eigen, on GCC's own
# AVX-512 intrinsics or on std::string, and would stop the build on some machines.
set(ISOCHRON_FALSE_ALARMS aggressive-loop-optimizations array-bounds free-nonheap-object maybe-uninitialized
  restrict stringop-overflow uninitialized)

# Warnings, optimisation and sanitizers, the same for every target of the project, but that those which compute
# little by themselves name a level of optimisation: reading options and writing sentences is no faster with -O3,
# which takes half as long again to compile as -O1.
function(isochron_compiler_settings target)  # and a level
  set(_level ${ARGN} -O3)
  list(GET _level 0 _level)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wpedantic -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
    # Vector types cross no library boundary, so their calling convention may change.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-$<JOIN:${ISOCHRON_FALSE_ALARMS},$<SEMICOLON>-Wno->>
    # Files that are compiled together have their own classes each, which no other translation unit sees.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    $<$<BOOL:${ISOCHRON_WERROR}>:-Werror>)
  if(ISOCHRON_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  # The kernels count on -O3 and on contracted multiply-adds.
  target_compile_options(${target} PRIVATE -ffp-contract=fast $<$<NOT:$<CONFIG:Debug>>:${_level}>)
  if(ISOCHRON_SANITIZE)
    # What is left out makes Eigen's code a third longer; the address sanitizer sees null pointers and
    # objects that are too small as well.
    target_compile_options(${target} PRIVATE
      -fsanitize=address,undefined -fno-sanitize=null,vptr,alignment,object-size
      -fno-sanitize-recover=all -fno-omit-frame-pointer
      $<$<CXX_COMPILER_ID:Clang>:-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/sanitize.ignore>
      # Clang 14 adds code for what its runtime does not look for unless it is told to.
      $<$<CXX_COMPILER_ID:Clang>:-fsanitize-address-use-after-return=never>)
    target_compile_definitions(${target} PRIVATE ISOCHRON_SANITIZE)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()
