// Observed data in text files: the first byte of the input says of which motion, and what --observe
// is.

#include "cli/data_file.hpp"
#include "target.hpp"

using namespace isochron;
using namespace isochron::cli;

namespace {

DataColumns columns_of(unsigned which) {
  switch (which % 5) {
    case 0: return {Motion::newtonian, 1, {}};
    case 1: return {Motion::newtonian, 2, {}};
    case 2: return {Motion::first_order, 2, {}};
    case 3: return {Motion::first_order, 2, parse_observe("hare=y1,lynx=y2")};
    default: return {Motion::newtonian, 1, parse_observe("angle=x,year=t")};
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string file = fuzz::folder().file("d.csv", fuzz::text_of(data + 1, size - 1));
  fuzz::taken([&] {
    const DataColumns columns = columns_of(data[0]);
    const ObservedData observed = read_observed_data(file, columns);
    for (const ObservedTrajectory& trajectory : observed.trajectories()) {
      fuzz::expect(trajectory.time.allFinite(), "times are numbers");
      fuzz::expect(trajectory.value.cols() == trajectory.time.size() &&
                       trajectory.value.rows() == columns.state_dimension(),
                   "each time has a state");
    }
  });
  return 0;
}
