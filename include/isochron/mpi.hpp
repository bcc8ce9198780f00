#pragma once

// The C interface alone: the C++ one is gone from the standard.
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX
#endif
#include <mpi.h>

#include "isochron/communicator.hpp"

namespace isochron {

/// The ranks of an MPI communicator, which must outlive it. MPI is to be initialised for
/// MPI_THREAD_FUNNELED at least, and all evaluations to be asked for by the main thread.
[[nodiscard]] CommunicatorPtr mpi_communicator(MPI_Comm ranks);

}  // namespace isochron
