set(ISOCHRON_GCC_GUESSES aggressive-loop-optimizations alloc-size-larger-than array-bounds dangling-pointer
  free-nonheap-object maybe-uninitialized restrict stringop-overflow stringop-overread
  stringop-truncation uninitialized use-after-free)

# Warnings, optimisation and sanitizers, the same for every target of the project.
function(isochron_compiler_settings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wshadow -Wpedantic -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
    # Vector types cross no library boundary, so their calling convention may change.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>
    # What GCC 12 concludes while it optimises depends on the processor, and is wrong on Eigen, on its own
    # AVX-512 intrinsics and on std::string: it would stop the build on some machines. The sanitizers look for
    # the same faults in what runs.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-$<JOIN:${ISOCHRON_GCC_GUESSES},$<SEMICOLON>-Wno->>
    # Files that are compiled together have their own classes each, which no other translation unit sees.
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
    $<$<BOOL:${ISOCHRON_WERROR}>:-Werror>)
  if(ISOCHRON_NATIVE)
    target_compile_options(${target} PRIVATE -march=native)
  endif()
  # The kernels count on -O3 and on contracted multiply-adds.
  target_compile_options(${target} PRIVATE -ffp-contract=fast $<$<NOT:$<CONFIG:Debug>>:-O3>)
  if(ISOCHRON_SANITIZE)
    # What is left out makes Eigen's code half as long again; the address sanitizer sees null pointers,
    # those that point elsewhere, and objects that are too small, as soon as they are used.
    target_compile_options(${target} PRIVATE
      -fsanitize=address,undefined -fno-sanitize=null,vptr,alignment,object-size,pointer-overflow
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()
