#include "cli/ranks.hpp"

#include <fmt/core.h>

#include <csignal>
#include <cstdlib>

#include "build_info.hpp"
#include "cli/shared_sweep.hpp"
#include "service.hpp"

#ifdef ISOCHRON_HAS_MPI
#include "isochron/mpi.hpp"
#endif

namespace isochron::cli {
namespace {

CommunicatorPtr all_ranks;

#ifdef ISOCHRON_HAS_MPI
/// MPI_Init takes a fifth of a second: not where nobody has launched ranks. These are what Open
/// MPI, Slurm and launchers by PMI or PMIx say.
bool is_launched() {
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK"}) {
    if (std::getenv(variable) != nullptr) return true;
  }
  return false;
}
#endif

}  // namespace

const CommunicatorPtr& ranks() { return all_ranks; }

std::string mpi_version() {
#if defined(OMPI_MAJOR_VERSION)
  return fmt::format("{}.{} by Open MPI {}.{}.{}", MPI_VERSION, MPI_SUBVERSION, OMPI_MAJOR_VERSION,
                     OMPI_MINOR_VERSION, OMPI_RELEASE_VERSION);
#elif defined(ISOCHRON_HAS_MPI)
  return fmt::format("{}.{}", MPI_VERSION, MPI_SUBVERSION);
#else
  return "none";
#endif
}

void join_ranks() {
#ifdef ISOCHRON_HAS_MPI
  if (!is_launched()) return;
  int level = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1) all_ranks = mpi_communicator(MPI_COMM_WORLD);
#endif
}

void leave_ranks([[maybe_unused]] int status) {
#ifdef ISOCHRON_HAS_MPI
  // The others may wait for ever; the launcher ends them, rank 0 by a signal after which it writes.
  if (all_ranks && all_ranks->is_broken()) MPI_Abort(MPI_COMM_WORLD, status);
  if (all_ranks && all_ranks->rank() == 0) dismiss(*all_ranks, status);
  all_ranks.reset();
  int initialised = 0;
  MPI_Initialized(&initialised);
  if (initialised != 0) MPI_Finalize();
#endif
}

int serve_rank_0() {
  // mpirun sends signals to all ranks: rank 0 ends, and ends the others.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  try {
    return serve(*all_ranks, nullptr, [](const Request& request, MessageReader& message) {
      serve_sweep(*all_ranks, request, message);
    });
  } catch (...) {
    all_ranks->break_off();
    throw;
  }
}

}  // namespace isochron::cli
