#include "hdf5/rewriting.hpp"

#include <fmt/core.h>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "hdf5/references.hpp"
#include "hdf5/scales.hpp"
#include "hdf5/schema.hpp"
#include "sentence.hpp"

namespace isochron::hdf5 {
namespace {

enum class Kind { group, dataset, other };

/// What a file holds: names of its attributes and its members, theirs, and so on.
struct Contents {
  Kind kind = Kind::group;
  std::set<std::string> attributes;
  std::map<std::string, Contents> members;

  [[nodiscard]] const Contents* member(const std::string& name) const {
    const auto found = members.find(name);
    return found == members.end() ? nullptr : &found->second;
  }

  /// Of an absolute path.
  [[nodiscard]] bool holds(const std::string& path) const {
    const auto end = path.find('/', 1);
    const Contents* found = member(path.substr(1, end - 1));
    return found != nullptr && (end == std::string::npos || found->holds(path.substr(end)));
  }
};

std::set<std::string> attributes_of(hid_t object, const Location& where) {
  std::set<std::string> names;
  const auto add = [](hid_t, const char* name, const H5A_info_t*, void* to) -> herr_t {
    static_cast<std::set<std::string>*>(to)->insert(name);
    return 0;
  };
  readable(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), where);
  return names;
}

std::vector<std::string> names_in(hid_t group, const Location& where) {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* to) -> herr_t {
    static_cast<std::vector<std::string>*>(to)->emplace_back(name);
    return 0;
  };
  readable(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), where);
  return names;
}

/// A link that is not hard is something else, whatever it leads to.
Kind kind_of(hid_t group, const std::string& name, const Location& where) {
  H5L_info_t link{};
  readable(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT), where);
  if (link.type != H5L_TYPE_HARD) return Kind::other;
  H5O_info_t object{};
  readable(H5Oget_info_by_name(group, name.c_str(), &object, H5P_DEFAULT), where);
  if (object.type == H5O_TYPE_GROUP) return Kind::group;
  return object.type == H5O_TYPE_DATASET ? Kind::dataset : Kind::other;
}

Handle open_object(hid_t group, const std::string& name, const Location& where) {
  return {readable(H5Oopen(group, name.c_str(), H5P_DEFAULT), where), H5Oclose};
}

/// Of a file that isochron has composed: no group of it contains itself.
Contents contents_of(hid_t object, Kind kind, const Location& where) {
  Contents contents{kind, attributes_of(object, where), {}};
  if (kind != Kind::group) return contents;
  for (const std::string& name : names_in(object, where)) {
    const Location at = where.child(name);
    const Kind its = kind_of(object, name, at);
    contents.members[name] = its == Kind::other
                                 ? Contents{its, {}, {}}
                                 : contents_of(open_object(object, name, at).get(), its, at);
  }
  return contents;
}

Contents contents_of(const std::filesystem::path& path, const Compose& compose) {
  OutputFile file(path);
  compose(file.root());
  file.attach_scales();
  return contents_of(file.root().id(), Kind::group, {path.string(), "/"});
}

/// Whether an object has more attributes or members than `own`, or has a comment.
bool has_more(hid_t object, const Contents& own, const Location& where) {
  for (const std::string& name : attributes_of(object, where)) {
    if (own.attributes.count(name) == 0) return true;
  }
  if (readable(H5Oget_comment(object, nullptr, 0), where) > 0) return true;
  if (own.kind != Kind::group) return false;
  for (const std::string& name : names_in(object, where)) {
    const Contents* member = own.member(name);
    const Location at = where.child(name);
    if (member == nullptr || kind_of(object, name, at) != member->kind) return true;
    if (member->kind == Kind::other) continue;
    if (has_more(open_object(object, name, at).get(), *member, at)) return true;
  }
  return false;
}

bool has_user_block(const InputFile& file, const Location& where) {
  const Handle creation(readable(H5Fget_create_plist(file.get()), where), H5Pclose);
  hsize_t size = 0;
  readable(H5Pget_userblock(creation.get(), &size), where);
  return size > 0;
}

void keep_as_former(hid_t group, const std::string& name, const Location& where) {
  std::string kept = "former_" + name;
  for (int i = 2; written(H5Lexists(group, kept.c_str(), H5P_DEFAULT), where) > 0; ++i) {
    kept = fmt::format("former_{}_{}", name, i);
  }
  written(H5Lmove(group, name.c_str(), group, kept.c_str(), H5P_DEFAULT, H5P_DEFAULT), where);
}

/// Takes out what isochron had written and does not write any more; what is set aside instead goes
/// from the `former` contents.
void remove_outdated(hid_t object, Contents& former, const Contents& present,
                     const Location& where) {
  for (const std::string& name : former.attributes) {
    if (present.attributes.count(name) != 0) continue;
    if (written(H5Aexists(object, name.c_str()), where) > 0) {
      written(H5Adelete(object, name.c_str()), where);
    }
  }
  std::vector<std::string> aside;
  for (auto& [name, own] : former.members) {
    const Location at = where.child(name);
    if (written(H5Lexists(object, name.c_str(), H5P_DEFAULT), where) == 0) continue;
    const Contents* now = present.member(name);
    const bool is_ours = kind_of(object, name, at) == own.kind;
    if (now != nullptr && now->kind == own.kind) {
      if (is_ours && own.kind != Kind::other) {
        remove_outdated(open_object(object, name, at).get(), own, *now, at);
      }
    } else if (!is_ours || (own.kind != Kind::other &&
                            has_more(open_object(object, name, at).get(), own, at))) {
      keep_as_former(object, name, at);
      aside.push_back(name);
    } else {
      written(H5Ldelete(object, name.c_str(), H5P_DEFAULT), at);
    }
  }
  for (const std::string& name : aside) former.members.erase(name);
}

struct Place {
  hobj_ref_t address;
  bool has_other_links;  ///< which keep the object alive
};

/// Objects of isochron's by their paths.
using Places = std::map<std::string, Place>;

void add_places(hid_t group, const Contents& own, const std::string& path, const Location& where,
                Places& places) {
  for (const auto& [name, member] : own.members) {
    const std::string at = path + '/' + name;
    if (member.kind == Kind::other || H5Lexists(group, name.c_str(), H5P_DEFAULT) <= 0 ||
        kind_of(group, name, where) != member.kind) {
      continue;
    }
    const Handle object = open_object(group, name, where);
    H5O_info_t info{};
    readable(H5Oget_info(object.get(), &info), where);
    places[at] = {info.addr, info.rc > 1};
    if (member.kind == Kind::group) add_places(object.get(), member, at, where, places);
  }
}

Places places_of(const OutputFile& file, const Contents& own, const Location& where) {
  Places places;
  add_places(file.root().id(), own, "", where, places);
  return places;
}

/// Arrays of others that are attached to scales among these objects.
std::set<hobj_ref_t> attached_to(const Places& places, const OutputFile& file) {
  std::set<hobj_ref_t> attached;
  for (const auto& [path, place] : places) {
    const Handle object = open_object(file.root().id(), path, {"", path});
    for (const hobj_ref_t array : attached_arrays(object.get())) attached.insert(array);
  }
  for (const auto& [path, place] : places) attached.erase(place.address);
  return attached;
}

/// Those that are now at another address, or nowhere. What has been set aside is where it was.
Moves moves_between(const Places& before, const Places& after, const Contents& own) {
  Moves moves;
  for (const auto& [path, place] : before) {
    const auto now = after.find(path);
    if (now == after.end()) {
      if (!place.has_other_links && own.holds(path)) moves[place.address] = {};
    } else if (now->second.address != place.address) {
      moves[place.address] = {now->second.address, path, place.has_other_links};
    }
  }
  return moves;
}

}  // namespace

std::string file_with(const std::filesystem::path& path, const Compose& compose) {
  OutputFile file(path);
  compose(file.root());
  return file.finish();
}

std::string rewritten_file(const std::filesystem::path& path, const FormerFile& former,
                           const Compose& compose_former, const Compose& compose) {
  const Location where{former.path().string(), "/"};
  Contents own = contents_of(path, compose_former);
  {
    const InputFile old(where.file, former.bytes());
    if (!has_user_block(old, where) && !has_more(old.root().id(), own, where)) {
      return file_with(path, compose);
    }
  }
  const Contents present = contents_of(path, compose);
  try {
    OutputFile file(path, former.bytes());
    const Places before = places_of(file, own, where);
    const std::set<hobj_ref_t> attached = attached_to(before, file);
    remove_outdated(file.root().id(), own, present, where);
    compose(file.root());
    redirect(file, moves_between(before, places_of(file, present, where), own), attached);
    return file.finish();
  } catch (const OutputError& error) {  // nothing but the old file can be the cause in memory
    throw InputError(fmt::format("{} is damaged and cannot be written again: {}",
                                 quoted(where.file), error.what()));
  }
}

}  // namespace isochron::hdf5

namespace isochron {

FormerFile::FormerFile(const std::filesystem::path& path) : path_(path) {
  const hdf5::InputFile file(path);  // as long as it is open, no other program writes it
  hdf5::check_origin(file.root());
  std::ifstream stream(path, std::ios::binary);
  auto bytes = std::make_shared<std::string>(std::istreambuf_iterator<char>(stream),
                                             std::istreambuf_iterator<char>());
  if (stream.bad()) throw InputError("cannot read '" + path.string() + '\'');
  bytes_ = std::move(bytes);
}

}  // namespace isochron
