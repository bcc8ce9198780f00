# Reads the #include lines of SOURCE_DIR and checks who may include whom:
#
#   cmake -D SOURCE_DIR=FOLDER -P check_arrows.cmake
#
# A file may include files of its own room and of rooms in lower layers. Only src/sundials includes
# SUNDIALS, only src/hdf5 includes HDF5, and neither is seen in include/.
cmake_minimum_required(VERSION 3.22)

# layer, room, files without their ending: <concept> stands for include/isochron/<concept>.hpp and
# src/<concept>.*, a name with a slash for a file below src, of which cli/* is every one there.
set(rooms
  "0|ground|error floating_point states dense_kernels grouped_jacobian random version lanes sentence clock descriptor atomic_file file_lock threads communicator message reduction_tree mpi mpi/communicator"
  "1|text|text_cells text_file text_table"
  "1|force field|force_field field_message forwarding_linearisation composite_field composite_field/of_features composite_field/on_components composite_field/sum_of composite_field/with_fixed composite_field/with_scales composite_field/in_units analytic_force named_parameter named_parameters parameter_scale parametrised_well force_table activation mlp stoppable_force well"
  "1|optimizer|optimizer least_squares linear_residuals leaf_task row_space held_jacobian jacobian_leaves triangular_tree elimination stoppable_algebra"
  "1|figure|figure figure/axes figure/curves figure/layout figure/points figure/text gnuplot"
  "2|dynamics|dynamics block_dynamics"
  "2|theory|potential_well well_gradient certificate certificate_fields abel completion"
  "3|integrator|integrator team shared_integration blocks block_solver one_step/tableau one_step/tangent one_step/solver sundials/context sundials/vector sundials/block_jacobian sundials/corrector sundials/solver return_time sundials/return_time"
  "4|sensitivity|sensitivity sensitivity_workers central_differences block_sensitivity one_step/hermite one_step/interpolant one_step/node_rows one_step/discrete sundials/adjoint sundials/forward"
  "0|scatter plots|upright"
  "4|portrait|portrait"
  "5|objective|objective trajectory_function serve service leaves joints force_data observed_data period_law"
  "6|gradient check|gradient_check"
  "6|training|training memory observation_fit multiple_shooting data_scaling bands"
  "7|run|run run_fields budget environment"
  "8|results|results record_field sweep_part sweep_results hdf5/sweep_results benchmark_results hdf5/file hdf5/scales hdf5/schema hdf5/size_check hdf5/record_table hdf5/rewriting hdf5/references hdf5/arrays hdf5/analysis hdf5/results hdf5/benchmark_results"
  "9|cli|cli/*")

foreach(entry IN LISTS rooms)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 layer)
  list(GET entry 1 room)
  list(GET entry 2 names)
  string(REPLACE " " ";" names "${names}")
  foreach(name IN LISTS names)
    set("layer_of_${name}" ${layer})
    set("room_of_${name}" "${room}")
  endforeach()
endforeach()

set(violations "")
macro(violation)
  string(APPEND violations "  " ${ARGN} "\n")
endmacro()

# The entry of the table above that a name belongs to.
function(entry_of name variable)
  string(REGEX REPLACE "^cli/.*" "cli/*" name "${name}")
  set(${variable} "${name}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${SOURCE_DIR}
  ${SOURCE_DIR}/include/*.hpp ${SOURCE_DIR}/src/*.hpp ${SOURCE_DIR}/src/*.cpp)
foreach(file IN LISTS files)
  string(REGEX REPLACE "^(include/isochron|src)/(.*)\\.[a-z]+$" "\\2" name "${file}")
  entry_of("${name}" name)
  if(NOT DEFINED "layer_of_${name}")
    violation("${file} belongs to no room: add it to tests/check_arrows.cmake")
    continue()
  endif()
  file(STRINGS ${SOURCE_DIR}/${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([<\"][^>\"]*[>\"]).*" "\\1" target "${line}")
    if(target MATCHES "^<(cvodes?|sundials|nvector|sunmatrix|sunlinsol|sunnonlinsol|arkode|idas?|kinsol)/"
       AND NOT file MATCHES "^src/sundials/")
      violation("${file} includes ${target}: only src/sundials may")
    elseif(target MATCHES "^<(hdf5|hdf5_hl|H5[A-Za-z]*)\\.h>" AND NOT file MATCHES "^src/hdf5/")
      violation("${file} includes ${target}: only src/hdf5 may")
    endif()
    if(NOT target MATCHES "^\"")
      continue()
    endif()
    string(REGEX REPLACE "^\"(isochron/)?(.*)\\.hpp\"$" "\\2" other "${target}")
    entry_of("${other}" other)
    if(other STREQUAL "build_info")  # generated: words about the build
      continue()
    endif()
    if(NOT DEFINED "layer_of_${other}")
      violation("${file} includes ${target}, which belongs to no room")
    elseif(file MATCHES "^include/" AND NOT target MATCHES "^\"isochron/")
      violation("${file} is public and includes the private ${target}")
    elseif(NOT "${room_of_${other}}" STREQUAL "${room_of_${name}}"
           AND NOT layer_of_${other} LESS layer_of_${name})
      violation("${file} (${room_of_${name}}, layer ${layer_of_${name}}) includes ${target}"
                " (${room_of_${other}}, layer ${layer_of_${other}})")
    endif()
  endforeach()
endforeach()

list(LENGTH files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no sources below ${SOURCE_DIR}")
elseif(violations)
  message(FATAL_ERROR "includes that go the wrong way:\n${violations}")
endif()
message(STATUS "the includes of ${count} files go the right way")
