#include "hdf5/references.hpp"

#include <memory>
#include <vector>

#include "hdf5/scales.hpp"

namespace isochron::hdf5 {
namespace {

/// Redirects what is in one value of the type; true when anything has changed.
bool redirect_value(hid_t type, char* value, const Moves& moves) {
  switch (H5Tget_class(type)) {
    case H5T_REFERENCE: {
      if (H5Tequal(type, H5T_STD_REF_OBJ) <= 0) return false;
      auto& reference = *reinterpret_cast<hobj_ref_t*>(value);
      const auto found = moves.find(reference);
      if (found == moves.end()) return false;
      reference = found->second.address;
      return true;
    }
    case H5T_COMPOUND: {
      bool changed = false;
      const int members = H5Tget_nmembers(type);
      for (unsigned i = 0; i < static_cast<unsigned>(members); ++i) {
        const Handle member(H5Tget_member_type(type, i), H5Tclose);
        changed |= redirect_value(member.get(), value + H5Tget_member_offset(type, i), moves);
      }
      return changed;
    }
    case H5T_ARRAY:
    case H5T_VLEN: {
      const Handle element(H5Tget_super(type), H5Tclose);
      const std::size_t size = H5Tget_size(element.get());
      std::size_t count = H5Tget_size(type) / size;
      char* first = value;
      if (H5Tget_class(type) == H5T_VLEN) {
        const auto& list = *reinterpret_cast<const hvl_t*>(value);
        count = list.len;
        first = static_cast<char*>(list.p);
      }
      bool changed = false;
      for (std::size_t i = 0; i < count; ++i) {
        changed |= redirect_value(element.get(), first + i * size, moves);
      }
      return changed;
    }
    default: return false;
  }
}

/// Reads all values of an attribute or dataset, and writes them again if any has changed. What
/// cannot be read, for want of a filter say, stays as it is.
template <class Read, class Write>
void redirect_values(const Handle& type, const Handle& space, const Moves& moves, const Read& read,
                     const Write& write) {
  if (type.get() < 0 || H5Tdetect_class(type.get(), H5T_REFERENCE) <= 0) return;
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count <= 0 || H5Sget_simple_extent_type(space.get()) == H5S_NULL) return;
  const std::size_t size = H5Tget_size(type.get());
  std::vector<char> values(static_cast<std::size_t>(count) * size);
  if (read(values.data()) < 0) return;
  bool changed = false;
  for (std::size_t at = 0; at < values.size(); at += size) {
    changed |= redirect_value(type.get(), values.data() + at, moves);
  }
  if (changed) write(values.data());
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, values.data());
}

bool is_named(const Handle& attribute, const std::string& name) {
  std::string found(name.size(), '\0');
  return H5Aget_name(attribute.get(), found.size() + 1, found.data()) ==
             static_cast<ssize_t>(name.size()) &&
         found == name;
}

/// Where scales are left out, they need not be read: they lie in the global heap, whose damage the
/// library does not survive.
void redirect_attributes(hid_t object, bool with_scales, const Moves& moves,
                         const Location& where) {
  const int count = written(H5Aget_num_attrs(object), where);
  for (int i = 0; i < count; ++i) {
    const Handle attribute(H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC,
                                          static_cast<hsize_t>(i), H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
    if (!with_scales && is_named(attribute, scales_of_axes)) continue;
    const Handle type(H5Aget_type(attribute.get()), H5Tclose);
    const Handle space(H5Aget_space(attribute.get()), H5Sclose);
    redirect_values(
        type, space, moves,
        [&](char* values) { return H5Aread(attribute.get(), type.get(), values); },
        [&](char* values) { written(H5Awrite(attribute.get(), type.get(), values), where); });
  }
}

void redirect_dataset(hid_t dataset, const Moves& moves, const Location& where) {
  const Handle type(H5Dget_type(dataset), H5Tclose);
  const Handle space(H5Dget_space(dataset), H5Sclose);
  redirect_values(
      type, space, moves,
      [&](char* values) {
        return H5Dread(dataset, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
      },
      [&](char* values) {
        written(H5Dwrite(dataset, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), where);
      });
}

using Paths = std::vector<std::string>;

void redirect_links(const OutputGroup& root, const Moves& moves) {
  struct Search {
    const Moves& moves;
    std::map<std::string, std::string> found;  // link, and what it is to lead to
  } search{moves, {}};
  const auto collect = [](hid_t, const char* name, const H5L_info_t* link, void* data) -> herr_t {
    auto& to = *static_cast<Search*>(data);
    if (link->type != H5L_TYPE_HARD) return 0;
    const auto moved = to.moves.find(link->u.address);
    // The address of an object without other links may be that of a new one by now.
    if (moved != to.moves.end() && moved->second.is_linked) to.found[name] = moved->second.path;
    return 0;
  };
  const Location& where = root.location();
  written(H5Lvisit(root.id(), H5_INDEX_NAME, H5_ITER_INC, collect, &search), where);
  for (const auto& [link, path] : search.found) {
    const Location at = where.child(link);
    written(H5Ldelete(root.id(), link.c_str(), H5P_DEFAULT), at);
    written(
        H5Lcreate_hard(root.id(), path.c_str(), root.id(), link.c_str(), H5P_DEFAULT, H5P_DEFAULT),
        at);
  }
}

void redirect_references(const OutputGroup& root, const Moves& moves,
                         const std::set<hobj_ref_t>& attached) {
  const Location& where = root.location();
  Paths paths;
  const auto collect = [](hid_t, const char* name, const H5O_info_t*, void* to) -> herr_t {
    static_cast<Paths*>(to)->emplace_back(name);
    return 0;
  };
  written(H5Ovisit(root.id(), H5_INDEX_NAME, H5_ITER_INC, collect, &paths), where);
  for (const std::string& path : paths) {
    const Location at = where.child(path);
    const Handle object(written(H5Oopen(root.id(), path.c_str(), H5P_DEFAULT), at), H5Oclose);
    H5O_info_t info{};
    written(H5Oget_info(object.get(), &info), at);
    redirect_attributes(object.get(), attached.count(info.addr) != 0, moves, at);
    if (H5Iget_type(object.get()) == H5I_DATASET) redirect_dataset(object.get(), moves, at);
  }
}

}  // namespace

void redirect(const OutputFile& file, const Moves& moves, const std::set<hobj_ref_t>& attached) {
  if (moves.empty()) return;
  const OutputGroup root = file.root();
  redirect_links(root, moves);
  redirect_references(root, moves, attached);
}

}  // namespace isochron::hdf5
