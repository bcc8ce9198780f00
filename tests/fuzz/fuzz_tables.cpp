// Tables of numbers in text files: the first byte of the input says of what.

#include <memory>

#include "cli/input_tables.hpp"
#include "target.hpp"

using namespace isochron;
using namespace isochron::cli;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string file = fuzz::folder().file("t.txt", fuzz::text_of(data + 1, size - 1));
  const auto read = [&]() -> Eigen::MatrixXd {
    switch (data[0] % 6) {
      case 0: return read_states(file, Motion::newtonian, 2);
      case 1: return read_states(file, Motion::newtonian, 4);
      case 2: return read_states(file, Motion::first_order, 3);
      case 3: return read_forces(file, "the force data");
      case 4: return read_periods(file, PeriodBy::amplitude);
      default: return read_periods(file, PeriodBy::energy);
    }
  };
  fuzz::taken([&] {
    const Eigen::MatrixXd table = read();
    fuzz::expect(table.size() > 0 && table.allFinite(), "a table holds finite numbers");
    std::string again(1, static_cast<char>(data[0]));
    for (const auto& row : table.colwise()) {
      for (const double x : row) {
        char cell[40];
        std::snprintf(cell, sizeof cell, "%.17g ", x);
        again += cell;
      }
      again += '\n';
    }
    fuzz::folder().file("t.txt", std::string_view(again).substr(1));
    fuzz::expect(read() == table, "a table that is written by its numbers is the same");
  });
  return 0;
}
