#include "cli/text_table.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "isochron/error.hpp"

namespace isochron::cli {
namespace {

/// A word of a file as it may stand in a sentence.
std::string quoted(std::string word) {
  constexpr std::size_t longest = 30;
  if (word.size() > longest) word = word.substr(0, longest) + "...";
  for (char& c : word) {
    if (std::isprint(static_cast<unsigned char>(c)) == 0) c = '?';
  }
  return "'" + word + "'";
}

/// The numbers of a line: separated by blanks, commas or semicolons, up to a #.
std::vector<double> read_numbers(std::string line, const std::string& where) {
  line.erase(std::min(line.size(), line.find('#')));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == ',' || c == ';'; }, ' ');
  std::istringstream words(line);
  std::vector<double> numbers;
  for (std::string word; words >> word;) {
    char* end = nullptr;
    numbers.push_back(std::strtod(word.c_str(), &end));
    if (*end != '\0' || !std::isfinite(numbers.back())) {
      throw InputError(where + ", " + quoted(word) + " is not a finite number");
    }
  }
  return numbers;
}

}  // namespace

Eigen::MatrixXd read_text_table(const std::string& path, const std::string& what) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    throw InputError(what + " file " + path + " cannot be read");
  }
  std::vector<double> numbers;
  std::size_t columns = 0;
  long line_number = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    const std::string where = "in " + path + ", line " + std::to_string(line_number);
    const std::vector<double> row = read_numbers(line, where);
    if (row.empty()) continue;
    if (!numbers.empty() && row.size() != columns) {
      throw InputError(where + " has " + std::to_string(row.size()) +
                       " numbers, the lines before have " + std::to_string(columns));
    }
    columns = row.size();
    numbers.insert(numbers.end(), row.begin(), row.end());
  }
  if (numbers.empty()) throw InputError(what + " file " + path + " holds no numbers");
  // One column per line of the file: exactly the order of a column-major matrix.
  const auto rows = static_cast<Index>(columns);
  return Eigen::Map<const Eigen::MatrixXd>(numbers.data(), rows,
                                           static_cast<Index>(numbers.size()) / rows);
}

Eigen::MatrixXd read_pairs(const std::string& file, const std::string& what,
                           const std::string& rows) {
  Eigen::MatrixXd pairs = read_text_table(file, what);
  if (pairs.rows() != 2) {
    throw InputError(what + " file " + file + " has " + std::to_string(pairs.rows()) +
                     " numbers in a line, it needs two: " + rows);
  }
  return pairs;
}

}  // namespace isochron::cli
