#pragma once

#include <string>

#include "isochron/communicator.hpp"

namespace isochron::cli {

/// The ranks that mpirun, or another launcher of MPI programs, has started this process among; and
/// null without one, or where the program was built without MPI.
[[nodiscard]] const CommunicatorPtr& ranks();

/// Of the MPI that the program was built with, or "none".
[[nodiscard]] std::string mpi_version();

/// Joins the others, when there are any; and leaves them, with the status of rank 0.
void join_ranks();
void leave_ranks(int status);

/// On all ranks but 0: works for rank 0, and returns its status.
[[nodiscard]] int serve_rank_0();

}  // namespace isochron::cli
