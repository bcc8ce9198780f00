#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "hdf5/file.hpp"

namespace isochron::hdf5 {

/// The attribute of an array that refers to the scales of its axes.
inline constexpr const char* scales_of_axes = "DIMENSION_LIST";

/// Arrays that are attached to a scale, by their addresses; none of another object.
std::vector<hobj_ref_t> attached_arrays(hid_t scale);

/// The axes of all arrays that are written to a file, and from them its dimension scales in the
/// sense of HDF5: by these, netCDF and xarray know an array's dimensions and their coordinates.
class DimensionScales {
 public:
  /// `array` in the group at this path. Throws OutputError where the group has an axis of that name
  /// that is not as long.
  void add(const std::string& group, const std::string& array, const Axes& axes);

  /// That a dataset is a new object, to which nothing refers.
  void renewed(const std::string& group, const std::string& dataset);

  /// Numbers the axes that no array holds the values of, and attaches every array to the scales of
  /// its axes. References that other programs have put into the file hold.
  void attach(const OutputGroup& root) const;

 private:
  struct Group {
    std::map<std::string, Axes> arrays;
    std::map<std::string, Axis> axes;
    std::set<std::string> renewed;
  };

  static void attach_in(const OutputGroup& group, const Group& of_group);

  std::map<std::string, Group> groups_;  // by path
};

}  // namespace isochron::hdf5
