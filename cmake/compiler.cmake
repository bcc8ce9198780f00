# Warnings, optimisation and sanitizers, the same for every target of the project.
function(isochron_compiler_settings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wpedantic -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
    # False alarms of GCC 12: its own AVX-512 intrinsics (by way of Eigen), and std::string at -O3.
    # Vector types cross no library boundary, so their calling convention may change.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized$<SEMICOLON>-Wno-maybe-uninitialized$<SEMICOLON>-Wno-restrict$<SEMICOLON>-Wno-array-bounds$<SEMICOLON>-Wno-stringop-overflow$<SEMICOLON>-Wno-psabi>
    # Files that are compiled together have their own classes each, which no other translation unit sees.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    $<$<BOOL:${ISOCHRON_WERROR}>:-Werror>)
  if(ISOCHRON_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  # The kernels count on -O3 and on contracted multiply-adds. Sanitizers look for other things.
  target_compile_options(${target} PRIVATE -ffp-contract=fast
    $<IF:$<BOOL:${ISOCHRON_SANITIZE}>,-O1,$<$<NOT:$<CONFIG:Debug>>:-O3>>)
  if(ISOCHRON_SANITIZE)
    # What is left out makes Eigen's code a third longer; the address sanitizer sees null pointers and
    # objects that are too small as well.
    target_compile_options(${target} PRIVATE
      -fsanitize=address,undefined -fno-sanitize=null,vptr,alignment,object-size
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()
