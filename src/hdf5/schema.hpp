#pragma once

// What all entries of an isochron file share: attributes of the root, configuration, environment,
// plots, and short ways to write and read a dataset.

#include <fmt/core.h>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floating_point.hpp"
#include "hdf5/file.hpp"
#include "isochron/error.hpp"
#include "isochron/results.hpp"
#include "sentence.hpp"

namespace isochron::hdf5 {

/// Name of the entry that holds measurements instead of a run.
inline constexpr const char* benchmark_entry = "benchmark";
/// Of many runs.
inline constexpr const char* sweep_entry = "sweep";

// ------------------------------------------------------------------------------------------ root

/// `entry` is what viewers open first.
void write_root_attributes(const OutputGroup& root, const std::string& entry);

/// Throws InputError unless isochron wrote the file, in a schema that this version reads.
void check_origin(const InputGroup& root);

/// Name of the entry with the run; empty when the file has none.
[[nodiscard]] std::string run_entry(const InputGroup& root);

/// What is at `path` where that is to be kept. Throws InputError when it is not isochron's.
std::optional<FormerFile> former_file(const std::filesystem::path& path, Existing existing);

// ------------------------------------------------------------------------------- small writers

/// Every number has a label that carries its unit, and the unit by itself.
void describe(const OutputObject& numbers, const std::string& label, const std::string& units);

/// Nothing when the text is empty.
void write_text(const OutputGroup& group, const std::string& name, const std::string& text);

/// A list along an axis that is shared by name, or that it holds the values of itself.
template <class Values>
OutputObject write_column(const OutputGroup& group, const std::string& name, const Values& values,
                          const std::string& axis) {
  return group.numbers(name, values.data(), {{axis, static_cast<hsize_t>(values.size())}});
}
template <class Values>
OutputObject write_axis(const OutputGroup& group, const std::string& name, const Values& values) {
  return write_column(group, name, values, name);
}

/// One row of the file per column of the matrix: the order in memory is the same.
OutputObject write_columns_as_rows(const OutputGroup& group, const std::string& name,
                                   const Eigen::MatrixXd& matrix, const std::string& row_axis,
                                   const std::string& column_axis);

OutputGroup write_group(const OutputGroup& parent, const std::string& name,
                        const std::string& nexus_class);

/// Of a chart: all linear, the signal logarithmic, signal and axes logarithmic.
enum class Scales { linear, log_signal, log_log };

/// What a viewer needs to draw a group: names of the datasets that are signal and axes.
struct Plot {
  std::string title;
  std::string signal;
  std::vector<std::string> axes;
  std::vector<std::string> auxiliary_signals;
  Scales scales = Scales::linear;
  /// Of a signal with more axes than a curve has: for each an index, or "." for the one of the
  /// curve.
  std::vector<std::string> default_slice = {};
};

OutputGroup write_plot(const OutputGroup& entry, const std::string& name, const Plot& plot);

// ------------------------------------------------------------------------ what datasets may hold

/// The numbers that a dataset may hold. Whoever reads numbers names their domain: what a file holds
/// is not trusted.
struct Domain {
  enum class Order { any, not_decreasing, increasing };

  double low;
  double high;
  bool nan = false;  ///< may be missing, too
  Order order = Order::any;

  /// Throws InputError, which names the dataset (by `where`) and its first number that is none of
  /// these.
  template <class T>
  void check(const std::string& where, const T* values, std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      const bool ordered =
          i == 0 || order == Order::any ||
          (order == Order::increasing ? values[i] > values[i - 1] : values[i] >= values[i - 1]);
      const auto value = static_cast<double>(values[i]);
      const bool inside = value >= low && value <= high;
      if (ordered && (inside || (nan && std::isnan(value)))) continue;
      refuse(where, value, i);
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& where, double value, std::size_t index) const;
};

namespace domain {
using isochron::infinity;
inline constexpr double largest = std::numeric_limits<double>::max();
inline constexpr double smallest = std::numeric_limits<double>::denorm_min();
/// Up to here every whole number is a double, and sums of a few stay in 64 bits.
inline constexpr double largest_count = 9007199254740992.0;

inline constexpr Domain anything{-infinity, infinity, true};
inline constexpr Domain finite{-largest, largest};
inline constexpr Domain positive{smallest, largest};
inline constexpr Domain not_negative{0, infinity};
inline constexpr Domain finite_not_negative{0, largest};
inline constexpr Domain flag{0, 1};
inline constexpr Domain count{0, largest_count};
inline constexpr Domain limit{-1, largest_count};  ///< -1: none
inline constexpr Domain small_count{0, std::numeric_limits<int>::max()};
inline constexpr Domain cumulative_count{0, largest_count, false, Domain::Order::not_decreasing};
inline constexpr Domain increasing_count{0, largest_count, false, Domain::Order::increasing};
}  // namespace domain

// ------------------------------------------------------------------------------- small readers

/// Empty when it is absent.
std::string read_text(const InputGroup& group, const std::string& name);

InputDataset open_array(const InputGroup& group, const std::string& name, std::size_t rank);

template <class T>
T read_number(const InputGroup& group, const std::string& name, const Domain& domain) {
  const InputDataset dataset = open_array(group, name, 0);
  T value{};
  dataset.read(&value);
  domain.check(dataset.location().text(), &value, 1);
  return value;
}

/// Writes the numbers that for_each_number and its like visit, those that are there.
class NumberWriter {
 public:
  explicit NumberWriter(const OutputGroup& group) : group_(group) {}

  void operator()(const char* name, const char* label, const char* units, double value) const {
    if (std::isfinite(value)) describe(group_.numbers(name, &value, {}), label, units);
  }
  void operator()(const char* name, const char* label, const char* units, long value) const {
    describe(group_.numbers(name, &value, {}), label, units);
  }
  void operator()(const char* name, const char* label, const char* units, int value) const {
    (*this)(name, label, units, static_cast<long>(value));
  }
  template <class T>
  void operator()(const char* name, const char* label, const char* units,
                  const std::optional<T>& value) const {
    if (value) describe(group_.numbers(name, &*value, {}), label, units);
  }

 private:
  const OutputGroup& group_;
};

/// Reads them; what is not there stays as it is.
class NumberReader {
 public:
  explicit NumberReader(const InputGroup& group) : group_(group) {}

  void operator()(const char* name, const char*, const char*, double& value) const {
    if (has(name)) value = read_number<double>(group_, name, domain::anything);
  }
  void operator()(const char* name, const char*, const char*, long& value) const {
    if (has(name)) value = count(name);
  }
  void operator()(const char* name, const char*, const char*, int& value) const {
    if (has(name)) value = static_cast<int>(read_number<long>(group_, name, domain::small_count));
  }
  void operator()(const char* name, const char*, const char*, std::optional<long>& value) const {
    if (has(name)) value = count(name);
  }
  void operator()(const char* name, const char*, const char*, std::optional<double>& value) const {
    if (has(name)) value = read_number<double>(group_, name, domain::finite);
  }
  void operator()(const char* name, const char*, const char*,
                  std::optional<std::uint64_t>& value) const {
    if (!has(name)) return;
    const InputDataset dataset = open_array(group_, name, 0);
    value.emplace();
    dataset.read(&*value);
  }

 private:
  [[nodiscard]] bool has(const char* name) const {
    return group_.contains(name) && group_.dataset(name).is_number();
  }
  [[nodiscard]] long count(const char* name) const {
    return static_cast<long>(read_number<double>(group_, name, domain::count));
  }

  const InputGroup& group_;
};

/// A 1-D dataset as any container that resizes.
template <class Values>
Values read_column(const InputGroup& group, const std::string& name, const Domain& domain) {
  const InputDataset dataset = open_array(group, name, 1);
  Values values;
  values.resize(static_cast<decltype(values.size())>(dataset.shape().front()));
  dataset.read(values.data());
  domain.check(dataset.location().text(), values.data(), static_cast<std::size_t>(values.size()));
  return values;
}

/// A 2-D dataset: the columns of the matrix are its rows.
Eigen::MatrixXd read_rows_as_columns(const InputGroup& group, const std::string& name,
                                     const Domain& domain);

/// That the text of a dataset is none of those which this version knows.
[[noreturn]] void refuse_choice(const InputDataset& dataset);

/// The enumerators that a file may name.
constexpr auto enumerators(Activation) {
  return std::array{Activation::tanh, Activation::softplus, Activation::sin, Activation::gelu};
}
constexpr auto enumerators(Symmetry) { return std::array{Symmetry::none, Symmetry::odd}; }
constexpr auto enumerators(Skip) { return std::array{Skip::none, Skip::linear}; }
constexpr auto enumerators(Motion) { return std::array{Motion::newtonian, Motion::first_order}; }
constexpr auto enumerators(ErrorModel) {
  return std::array{ErrorModel::additive, ErrorModel::lognormal};
}
constexpr auto enumerators(Robust) { return std::array{Robust::none, Robust::huber}; }
constexpr auto enumerators(Loss) {
  return std::array{Loss::periodic,
                    Loss::antiperiodic,
                    Loss::prescribed_period,
                    Loss::prescribed_half_period,
                    Loss::none,
                    Loss::observations,
                    Loss::own};
}
constexpr auto enumerators(Method) {
  return std::array{Method::adams, Method::bdf, Method::rkn8,
                    Method::rkn12, Method::rk8, Method::rk4};
}
constexpr auto enumerators(GradientMethod) {
  return std::array{GradientMethod::adjoint, GradientMethod::forward, GradientMethod::discrete,
                    GradientMethod::difference};
}
constexpr auto enumerators(Interpolation) {
  return std::array{Interpolation::polynomial, Interpolation::hermite};
}
constexpr auto enumerators(OptimizerKind) {
  return std::array{OptimizerKind::lbfgs, OptimizerKind::least_squares,
                    OptimizerKind::lbfgs_least_squares, OptimizerKind::adam};
}
constexpr auto enumerators(Isochrony) {
  return std::array{Isochrony::harmonic,        Isochrony::sheared,
                    Isochrony::at_samples_only, Isochrony::several_wells,
                    Isochrony::not_isochronous, Isochrony::not_converged,
                    Isochrony::undecided};
}

/// The enumerator whose name() is stored; an unknown name is an InputError.
template <class Enum>
Enum read_choice(const InputGroup& group, const char* name) {
  const InputDataset dataset = group.dataset(name);
  const std::string text = dataset.text();
  for (const Enum value : enumerators(Enum{})) {
    if (text == isochron::name(value)) return value;
  }
  refuse_choice(dataset);
}

// --------------------------------------------------------------------- configuration, environment

void write_config(const OutputGroup& entry, const std::string& config);
std::string read_config(const InputGroup& entry);

void write_environment(const OutputGroup& entry,
                       const std::map<std::string, std::string>& environment);
std::map<std::string, std::string> read_environment(const InputGroup& entry);

}  // namespace isochron::hdf5
