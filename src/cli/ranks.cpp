#include "cli/ranks.hpp"

#include <csignal>
#include <cstdlib>

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
  return serve(*all_ranks);
}

}  // namespace isochron::cli
