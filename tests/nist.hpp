#pragma once

#include <cmath>
#include <complex>
#include <fstream>
#include <functional>
#include <numbers>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "isochron/least_squares.hpp"

/// NIST's Statistical Reference Datasets for nonlinear regression: data whose best fits are known
/// to 11 digits (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml).
namespace isochron::nist {

using Complex = std::complex<double>;
using Numbers = std::vector<double>;

/// What a .dat file holds, and its model of parameters b and predictors x.
struct Problem {
  std::string name;
  Numbers starts[2];  // the second is the nearer one
  Numbers certified;
  double certified_loss = 0;
  Numbers responses;
  std::vector<Numbers> predictors;  // of each response
  std::function<double(const Numbers& b, const Numbers& x)> value;
  std::function<Complex(const std::vector<Complex>& b, const Numbers& x)> complex_value;
};

inline Vector vector(const Numbers& numbers) {
  return Eigen::Map<const Vector>(numbers.data(), static_cast<Index>(numbers.size()));
}

/// Reads "b1 = start1 start2 certified deviation" and the residual sum, up to "Data: y x".
inline void read_head(std::istream& file, Problem& problem) {
  const std::string sum = "Residual Sum of Squares:";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first, second;
    words >> first >> second;
    if (first == "Data:" && second == "y") return;
    if (line.starts_with(sum)) problem.certified_loss = std::stod(line.substr(sum.size()));
    if (!first.starts_with('b') || second != "=") continue;
    for (Numbers* column : {&problem.starts[0], &problem.starts[1], &problem.certified}) {
      words >> column->emplace_back();
    }
    if (!words) throw std::runtime_error("no numbers in \"" + line + "\"");
  }
}

/// Reads rows of a response and its predictors.
inline void read_data(std::istream& file, Problem& problem) {
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    double number = 0;
    if (!(words >> number)) continue;
    problem.responses.push_back(number);
    Numbers& x = problem.predictors.emplace_back();
    while (words >> number) x.push_back(number);
  }
}

/// A model serves numbers b of any kind. Its response may be a function of the measured one.
template <class Model>
Problem problem(const std::string& name, const Model& model,
                const std::function<double(double)>& response = {}) {
  Problem problem;
  problem.name = name;
  problem.value = model;
  problem.complex_value = model;
  std::ifstream file(ISOCHRON_TEST_DATA "/nist/" + name + ".dat");
  if (!file) throw std::runtime_error("cannot read the data of " + name);
  read_head(file, problem);
  read_data(file, problem);
  for (double& y : problem.responses) y = response ? response(y) : y;
  return problem;
}

/// A row of the Jacobian, exact to rounding: df/db = Im f(b + ih)/h with a tiny h (Squire and Trapp
/// 1998, doi 10.1137/S003614459631241X).
inline Vector derivatives(const Problem& problem, const Numbers& b, const Numbers& x) {
  constexpr double h = 1e-50;
  std::vector<Complex> shifted(b.begin(), b.end());
  Numbers row;
  for (Complex& parameter : shifted) {
    parameter.imag(h);
    row.push_back(problem.complex_value(shifted, x).imag() / h);
    parameter.imag(0);
  }
  return vector(row);
}

/// Model minus response. The problem must outlive it.
inline Residuals residuals(const Problem& problem) {
  return [&problem](ConstVectorRef theta, Vector& r, Eigen::MatrixXd* jacobian) {
    const Numbers b(theta.begin(), theta.end());
    r.resize(static_cast<Index>(problem.responses.size()));
    if (jacobian) jacobian->resize(r.size(), theta.size());
    for (Index i = 0; i < r.size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const Numbers& x = problem.predictors[at];
      r[i] = problem.value(b, x) - problem.responses[at];
      if (jacobian) jacobian->row(i) = derivatives(problem, b, x).transpose();
    }
    return true;
  };
}

constexpr auto square = [](const auto& x) { return x * x; };

constexpr auto saturation = [](const auto& b, const Numbers& x) {
  return b[0] * (1. - exp(-b[1] * x[0]));
};

constexpr auto chwirut = [](const auto& b, const Numbers& x) {
  return exp(-b[0] * x[0]) / (b[1] + b[2] * x[0]);
};

constexpr auto lanczos = [](const auto& b, const Numbers& x) {
  return b[0] * exp(-b[1] * x[0]) + b[2] * exp(-b[3] * x[0]) + b[4] * exp(-b[5] * x[0]);
};

constexpr auto gauss = [](const auto& b, const Numbers& x) {
  return b[0] * exp(-b[1] * x[0]) + b[2] * exp(-square((x[0] - b[3]) / b[4])) +
         b[5] * exp(-square((x[0] - b[6]) / b[7]));
};

constexpr auto cubic_over_cubic = [](const auto& b, const Numbers& x) {
  const double t = x[0];
  return (b[0] + t * (b[1] + t * (b[2] + t * b[3]))) / (1. + t * (b[4] + t * (b[5] + t * b[6])));
};

constexpr auto el_nino = [](const auto& b, const Numbers& x) {
  const double phase = 2 * std::numbers::pi * x[0], year = phase / 12;
  const auto p = phase / b[3], q = phase / b[6];
  return b[0] + b[1] * cos(year) + b[2] * sin(year) + b[4] * cos(p) + b[5] * sin(p) +
         b[7] * cos(q) + b[8] * sin(q);
};

inline std::vector<Problem> of_lower_difficulty() {
  const auto danwood = [](const auto& b, const Numbers& x) { return b[0] * pow(x[0], b[1]); };
  const auto misra1b = [](const auto& b, const Numbers& x) {
    return b[0] * (1. - 1. / square(1. + b[1] * x[0] / 2.));
  };
  return {problem("Misra1a", saturation), problem("Chwirut2", chwirut),
          problem("Chwirut1", chwirut),   problem("Lanczos3", lanczos),
          problem("Gauss1", gauss),       problem("Gauss2", gauss),
          problem("DanWood", danwood),    problem("Misra1b", misra1b)};
}

inline std::vector<Problem> of_average_difficulty() {
  const auto kirby2 = [](const auto& b, const Numbers& x) {
    return (b[0] + x[0] * (b[1] + x[0] * b[2])) / (1. + x[0] * (b[3] + x[0] * b[4]));
  };
  const auto nelson = [](const auto& b, const Numbers& x) {
    return b[0] - b[1] * x[0] * exp(-b[2] * x[1]);
  };
  const auto mgh17 = [](const auto& b, const Numbers& x) {
    return b[0] + b[1] * exp(-x[0] * b[3]) + b[2] * exp(-x[0] * b[4]);
  };
  const auto misra1c = [](const auto& b, const Numbers& x) {
    return b[0] * (1. - 1. / sqrt(1. + 2. * b[1] * x[0]));
  };
  const auto misra1d = [](const auto& b, const Numbers& x) {
    return b[0] * b[1] * x[0] / (1. + b[1] * x[0]);
  };
  const auto roszman1 = [](const auto& b, const Numbers& x) {
    return b[0] - b[1] * x[0] - atan(b[2] / (x[0] - b[3])) / std::numbers::pi;
  };
  const auto log = [](double y) { return std::log(y); };
  return {problem("Kirby2", kirby2),      problem("Hahn1", cubic_over_cubic),
          problem("Nelson", nelson, log), problem("MGH17", mgh17),
          problem("Lanczos1", lanczos),   problem("Lanczos2", lanczos),
          problem("Gauss3", gauss),       problem("Misra1c", misra1c),
          problem("Misra1d", misra1d),    problem("Roszman1", roszman1),
          problem("ENSO", el_nino)};
}

inline std::vector<Problem> of_higher_difficulty() {
  const auto mgh09 = [](const auto& b, const Numbers& x) {
    return b[0] * x[0] * (x[0] + b[1]) / (x[0] * (x[0] + b[2]) + b[3]);
  };
  const auto mgh10 = [](const auto& b, const Numbers& x) {
    return b[0] * exp(b[1] / (x[0] + b[2]));
  };
  const auto rat42 = [](const auto& b, const Numbers& x) {
    return b[0] / (1. + exp(b[1] - b[2] * x[0]));
  };
  const auto rat43 = [](const auto& b, const Numbers& x) {
    return b[0] / pow(1. + exp(b[1] - b[2] * x[0]), 1. / b[3]);
  };
  const auto eckerle4 = [](const auto& b, const Numbers& x) {
    return b[0] / b[1] * exp(-0.5 * square((x[0] - b[2]) / b[1]));
  };
  const auto bennett5 = [](const auto& b, const Numbers& x) {
    return b[0] * pow(b[1] + x[0], -1. / b[2]);
  };
  return {problem("MGH09", mgh09),       problem("Thurber", cubic_over_cubic),
          problem("BoxBOD", saturation), problem("Rat42", rat42),
          problem("MGH10", mgh10),       problem("Eckerle4", eckerle4),
          problem("Rat43", rat43),       problem("Bennett5", bennett5)};
}

inline std::vector<Problem> all_problems() {
  std::vector<Problem> all = of_lower_difficulty();
  for (const auto& more : {of_average_difficulty(), of_higher_difficulty()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

/// Correct digits of the worst parameter: the log relative error.
inline double digits(const Problem& problem, ConstVectorRef theta) {
  const Vector certified = vector(problem.certified);
  return -std::log10(((theta - certified).array() / certified.array()).abs().maxCoeff());
}

}  // namespace isochron::nist
