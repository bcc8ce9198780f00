#pragma once

#include <memory>
#include <string>
#include <vector>

#include "isochron/states.hpp"

namespace isochron::hdf5 {

/// The datasets of a group of any HDF5 file, read as arrays of numbers or names. The file stays
/// open, and HDF5 this thread's, for as long. Everything throws InputError.
class Arrays {
 public:
  /// `path` from the root: "/run/trajectories".
  Arrays(const std::string& file, const std::string& path);
  ~Arrays();
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;

  /// Of the datasets, in alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const;

  /// The extents of a dataset; none of a single value.
  [[nodiscard]] std::vector<Index> shape(const std::string& name) const;

  /// All numbers, integers and floats of any width, the last index running fastest.
  [[nodiscard]] std::vector<double> numbers(const std::string& name) const;

  /// Numbers, or strings of fixed length, as texts: a 1-D dataset.
  [[nodiscard]] std::vector<std::string> labels(const std::string& name) const;

 private:
  struct Open;
  std::unique_ptr<Open> open_;
};

}  // namespace isochron::hdf5
