#include "hdf5/scales.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace isochron::hdf5 {
namespace {

constexpr const char* arrays_of_scale = "REFERENCE_LIST";

/// An array, and which of its axes has the scale.
struct Use {
  hobj_ref_t array;
  int axis;

  friend bool operator==(const Use& a, const Use& b) {
    return a.array == b.array && a.axis == b.axis;
  }
};

/// Of a group: by the names of arrays and of axes.
using Addresses = std::map<std::string, hobj_ref_t>;
using Uses = std::map<std::string, std::vector<Use>>;

hobj_ref_t address_of(const OutputGroup& group, const std::string& name) {
  hobj_ref_t address{};
  written(H5Rcreate(&address, group.id(), name.c_str(), H5R_OBJECT, -1),
          group.location().child(name));
  return address;
}

OutputObject open_array(const OutputGroup& group, const std::string& name) {
  Location where = group.location().child(name);
  Handle array(written(H5Dopen2(group.id(), name.c_str(), H5P_DEFAULT), where), H5Dclose);
  return {std::move(array), std::move(where)};
}

Handle list_of(std::size_t length, const Location& where) {
  const hsize_t extent = length;
  return {written(H5Screate_simple(1, &extent, nullptr), where), H5Sclose};
}

/// The specification of dimension scales wants text that ends with a zero.
void write_text_attribute(const OutputObject& scale, const char* name, const std::string& text) {
  const Handle type(written(H5Tcopy(H5T_C_S1), scale.location()), H5Tclose);
  written(H5Tset_size(type.get(), text.size() + 1), scale.location());
  const Handle space(written(H5Screate(H5S_SCALAR), scale.location()), H5Sclose);
  scale.attribute(name, type, space, text.c_str());
}

Handle type_of_uses(const Location& where) {
  Handle type(written(H5Tcreate(H5T_COMPOUND, sizeof(Use)), where), H5Tclose);
  written(H5Tinsert(type.get(), "dataset", offsetof(Use, array), H5T_STD_REF_OBJ), where);
  written(H5Tinsert(type.get(), "dimension", offsetof(Use, axis), H5T_NATIVE_INT), where);
  return type;
}

/// Those that a scale has already; none that cannot be read.
std::vector<Use> uses_of(hid_t scale) {
  if (H5Aexists(scale, arrays_of_scale) <= 0) return {};
  const Handle attribute(H5Aopen(scale, arrays_of_scale, H5P_DEFAULT), H5Aclose);
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  std::vector<Use> uses(count > 0 ? static_cast<std::size_t>(count) : 0);
  const Handle type = type_of_uses({});
  if (uses.empty() || H5Aread(attribute.get(), type.get(), uses.data()) < 0) return {};
  return uses;
}

/// The uses by arrays that isochron did not write come after its own.
void write_scale(const OutputObject& scale, const Axis& axis, std::vector<Use> uses,
                 const Addresses& own) {
  // By this name netCDF knows that the numbers are none that anybody wants.
  const std::string name =
      axis.has_values
          ? axis.name
          : fmt::format("This is a netCDF dimension but not a netCDF variable.{:10}", axis.length);
  const std::vector<Use> former = uses_of(scale.id());
  for (const Use& use : former) {
    const bool is_own = std::any_of(own.begin(), own.end(),
                                    [&](const auto& array) { return array.second == use.array; });
    if (!is_own && use.array != 0) uses.push_back(use);
  }
  if (!uses.empty() && uses == former) return;  // as it was: nothing that is written again grows
  write_text_attribute(scale, "CLASS", "DIMENSION_SCALE");
  write_text_attribute(scale, "NAME", name);
  if (uses.empty()) return;
  const Location& where = scale.location();
  scale.attribute(arrays_of_scale, type_of_uses(where), list_of(uses.size(), where), uses.data());
}

void refer_to_scales(const OutputObject& array, const Axes& axes, const Addresses& scales) {
  std::vector<hobj_ref_t> references;
  for (const Axis& axis : axes) references.push_back(scales.at(axis.name));
  std::vector<hvl_t> lists;
  for (hobj_ref_t& reference : references) lists.push_back({1, &reference});
  const Location& where = array.location();
  const Handle type(written(H5Tvlen_create(H5T_STD_REF_OBJ), where), H5Tclose);
  array.attribute(scales_of_axes, type, list_of(lists.size(), where), lists.data());
}

void number(const OutputGroup& group, const Axis& axis) {
  std::vector<long> numbers(axis.length);
  std::iota(numbers.begin(), numbers.end(), 0L);
  std::string words = axis.name;
  std::replace(words.begin(), words.end(), '_', ' ');
  group.numbers(axis.name, numbers.data(), {axis})
      .attribute("long_name", words + ", counted from 0 (1)")
      .attribute("units", "1");
}

}  // namespace

std::vector<hobj_ref_t> attached_arrays(hid_t scale) {
  std::vector<hobj_ref_t> arrays;
  for (const Use& use : uses_of(scale)) arrays.push_back(use.array);
  return arrays;
}

void DimensionScales::add(const std::string& group, const std::string& array, const Axes& axes) {
  Group& to = groups_[group];
  for (const Axis& axis : axes) {
    const Axis& known = to.axes.try_emplace(axis.name, axis).first->second;
    if (known.length == axis.length) continue;
    throw OutputError(fmt::format("{}/{} has {} entries along '{}', which has {}", group, array,
                                  axis.length, axis.name, known.length));
  }
  to.arrays[array] = axes;
}

void DimensionScales::renewed(const std::string& group, const std::string& dataset) {
  groups_[group].renewed.insert(dataset);
}

void DimensionScales::attach(const OutputGroup& root) const {
  const std::map<std::string, Group> groups = groups_;  // numbers that are written add to them
  for (const auto& [path, wanted] : groups) {
    const OutputGroup group = root.existing_group(path);
    for (const auto& [name, axis] : wanted.axes) {
      if (wanted.arrays.count(name) == 0) number(group, axis);
    }
    attach_in(group, groups_.at(path));
  }
}

void DimensionScales::attach_in(const OutputGroup& group, const Group& of_group) {
  Addresses addresses;
  std::map<std::string, std::vector<Use>> former;
  for (const auto& [name, axes] : of_group.arrays) addresses[name] = address_of(group, name);
  for (const auto& [name, axis] : of_group.axes) {
    if (of_group.renewed.count(name) == 0) former[name] = uses_of(open_array(group, name).id());
  }
  // What is attached already is left alone: references to scales lie in HDF5's global heap, which
  // has no checksum, so that it had better not be read, and from which nothing is ever deleted.
  const auto is_attached = [&](const std::string& name, const Axes& axes) {
    int i = 0;
    return of_group.renewed.count(name) == 0 &&
           std::all_of(axes.begin(), axes.end(), [&](const Axis& axis) {
             const std::vector<Use>& uses = former[axis.name];
             return std::find(uses.begin(), uses.end(), Use{addresses[name], i++}) != uses.end();
           });
  };
  Uses uses;
  for (const auto& [name, axes] : of_group.arrays) {
    if (of_group.axes.count(name) != 0) continue;
    const OutputObject array = open_array(group, name);
    if (!is_attached(name, axes)) refer_to_scales(array, axes, addresses);
    for (std::size_t i = 0; i < axes.size(); ++i) {
      uses[axes[i].name].push_back({addresses[name], static_cast<int>(i)});
    }
  }
  for (const auto& [name, axis] : of_group.axes) {
    write_scale(open_array(group, name), axis, uses[name], addresses);
  }
}

}  // namespace isochron::hdf5
