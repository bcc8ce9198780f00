#pragma once

#include "cli/verb.hpp"

namespace isochron::cli {

/// What is said of a verb, by its help and its manual page alike.
struct VerbText {
  Verb verb;
  const char* arguments;  ///< what stands beside the options
  const char* title;      ///< in a line
  const char* about;      ///< in a paragraph
};

[[nodiscard]] const VerbText& text_of(Verb verb);

/// What is true of all verbs.
inline constexpr const char* about_units =
    "Quantities are dimensionless, for unit mass, or have the units of the data that are fitted; "
    "wall time is in s.";
inline constexpr const char* about_ranks =
    "Ranks of MPI share the work of train, simulate, check-gradient, benchmark and sweep, as in: "
    "mpirun -n 4 isochron sweep --output sweep.h5.";
inline constexpr const char* exit_statuses =
    "0 done, 1 a check disagreed, 2 bad input, 3 numerical failure, 4 a write failed, 130 or 143 "
    "interrupted by SIGINT or SIGTERM (train: after a complete file was written)";

}  // namespace isochron::cli
