#include "cli/input_tables.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "cli/read_once.hpp"
#include "isochron/results.hpp"
#include "sentence.hpp"
#include "text_table.hpp"

namespace isochron::cli {
namespace {

/// The components 1..D of a vector by its names: of q and x for "q1, q_1, x1, x_1", ...
void add_components(TextTable& table, const std::vector<std::string>& names, Index dimension) {
  for (Index i = 1; i <= dimension; ++i) {
    std::vector<std::string> column;
    for (const std::string& name : names) {
      if (dimension == 1) column.push_back(name);
      column.push_back(fmt::format("{}{}", name, i));
      column.push_back(fmt::format("{}_{}", name, i));
    }
    table.columns.push_back(std::move(column));
  }
  const std::string& name = names.front();
  table.names += (table.names.empty() ? "" : ", ") + name;
  if (dimension > 1) table.names += fmt::format("1..{}{}", name, dimension);
}

TextTable table_of_states(const std::string& file, Motion motion, Index state_dimension) {
  TextTable table{"the initial states",
                  {},
                  "",
                  fmt::format("; name its dataset, as {}:/run/data/initial_states", shown(file))};
  if (motion == Motion::first_order) {
    add_components(table, {"y"}, state_dimension);
  } else {
    const Index dimension = state_dimension / 2;
    add_components(
        table,
        dimension == 1 ? std::vector<std::string>{"x", "q"} : std::vector<std::string>{"q", "x"},
        dimension);
    add_components(table, {"v"}, dimension);
  }
  return table;
}

Eigen::MatrixXd read_table(const std::string& path, const TextTable& table) {
  return read_once<Eigen::MatrixXd>(path, table.names,
                                    [&] { return read_text_table(path, table); });
}

/// Where FILE ends in FILE:/dataset. FILE may hold ":/", too: then the longest FILE that exists.
std::size_t end_of_file_name(const std::string& source) {
  const auto last = source.rfind(":/");
  for (auto end = last; end != std::string::npos && end > 0; end = source.rfind(":/", end - 1)) {
    std::error_code ignored;
    if (std::filesystem::exists(source.substr(0, end), ignored)) return end;
  }
  return last;
}

States read_states_in_hdf5(const std::string& file, const std::string& dataset,
                           Index state_dimension) {
  States states = read_matrix(file, dataset).transpose();
  const std::string name = "the initial states in " + shown(file + ':' + dataset);
  require(states.rows() == state_dimension, "{} have {} components, the problem needs {}", name,
          states.rows(), state_dimension);
  for (Index column = 0; column < states.cols(); ++column) {
    require(states.col(column).allFinite(), "{} are not all finite: row {} (counted from 0)", name,
            column);
  }
  return states;
}

}  // namespace

bool is_text_file(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return false;
  char begin[4096] = {};  // an HDF5 file may stand behind some words of its user
  std::ifstream stream(file, std::ios::binary);
  stream.read(begin, sizeof begin);
  return stream.gcount() > 0 && std::all_of(begin, begin + stream.gcount(), [](unsigned char c) {
           return std::isprint(c) != 0 || std::isspace(c) != 0;
         });
}

std::optional<Hdf5Path> hdf5_path(const std::string& source) {
  std::error_code ignored;
  const std::size_t end = end_of_file_name(source);
  if (end == std::string::npos || std::filesystem::exists(source, ignored)) return std::nullopt;
  return Hdf5Path{source.substr(0, end), source.substr(end + 1)};
}

States read_states(const std::string& source, Motion motion, Index state_dimension) {
  if (const auto path = hdf5_path(source)) {
    return read_states_in_hdf5(path->file, path->object, state_dimension);
  }
  return read_table(source, table_of_states(source, motion, state_dimension));
}

Eigen::MatrixXd read_forces(const std::string& path, const std::string& what) {
  return read_table(
      path,
      {what, {{"x", "q", "q1", "q_1", "position"}, {"f", "force"}}, "x, f (position, force)"});
}

Eigen::MatrixXd read_periods(const std::string& path, PeriodBy by) {
  const std::vector<std::string> period = {"T", "period"};
  if (by == PeriodBy::amplitude) {
    return read_table(path, {"period laws",
                             {{"A", "amplitude"}, period},
                             "A, T (amplitude, period; with --period-by energy: E, T)"});
  }
  return read_table(path, {"period laws",
                           {{"E", "energy"}, period},
                           "E, T (energy, period; with --period-by amplitude: A, T)"});
}

}  // namespace isochron::cli
