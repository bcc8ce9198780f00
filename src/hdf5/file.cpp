#include "hdf5/file.hpp"

#include <fmt/core.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <system_error>
#include <type_traits>

#include "atomic_file.hpp"
#include "environment.hpp"
#include "file_lock.hpp"
#include "hdf5/scales.hpp"
#include "isochron/error.hpp"
#include "sentence.hpp"

namespace isochron {

std::string hdf5_version() {
  const hdf5::Session session;
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  H5get_libversion(&major, &minor, &release);
  return fmt::format("{}.{}.{}", major, minor, release);
}

}  // namespace isochron

namespace isochron::hdf5 {
namespace {

namespace fs = std::filesystem;

std::recursive_mutex& library_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}

template <class T>
constexpr bool is_stored =
    std::is_same_v<T, double> || std::is_same_v<T, long> || std::is_same_v<T, std::uint64_t>;

template <class T>
hid_t memory_type() {
  static_assert(is_stored<T>);
  return std::is_same_v<T, double> ? H5T_NATIVE_DOUBLE
         : std::is_same_v<T, long> ? H5T_NATIVE_LONG
                                   : H5T_NATIVE_UINT64;
}

template <class T>
hid_t stored_type() {
  static_assert(is_stored<T>);
  return std::is_same_v<T, double> ? H5T_IEEE_F64LE
         : std::is_same_v<T, long> ? H5T_STD_I64LE
                                   : H5T_STD_U64LE;
}

// ------------------------------------------------------------------------------------- writing

/// Fixed length: a variable-length string lives in HDF5's global heap, which has no checksum and
/// whose damage the library does not survive.
Handle string_type(std::size_t length, const Location& where, H5T_cset_t set = H5T_CSET_UTF8) {
  Handle type(written(H5Tcopy(H5T_C_S1), where), H5Tclose);
  written(H5Tset_size(type.get(), std::max<std::size_t>(length, 1)), where);
  written(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where);
  written(H5Tset_cset(type.get(), set), where);
  return type;
}

/// Bytes of the longest; at least one.
std::size_t common_width(const std::vector<std::string>& texts) {
  std::size_t width = 1;
  for (const std::string& text : texts) width = std::max(width, text.size());
  return width;
}

/// One behind the other, each filled up with zeros.
std::string joined(const std::vector<std::string>& texts, std::size_t width) {
  std::string padded;
  padded.reserve(texts.size() * width);
  for (const std::string& text : texts) {
    padded += text;
    padded.append(width - text.size(), '\0');
  }
  return padded;
}

enum class Where { file, memory };

/// ASCII where it suffices, which more programs can show in a table.
Handle column_type(const std::vector<std::string>& texts, Where, const Location& where) {
  const auto is_ascii = [](const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  };
  const bool ascii = std::all_of(texts.begin(), texts.end(), is_ascii);
  return string_type(common_width(texts), where, ascii ? H5T_CSET_ASCII : H5T_CSET_UTF8);
}

template <class T>
Handle column_type(const std::vector<T>&, Where place, const Location& where) {
  const hid_t type = place == Where::file ? stored_type<T>() : memory_type<T>();
  return {written(H5Tcopy(type), where), H5Tclose};
}

std::span<const char> bytes_of(const std::string& text) { return text; }
template <class T>
std::span<const char> bytes_of(const T& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

/// The columns of a table side by side in its rows, without gaps.
class TableLayout {
 public:
  TableLayout(const std::vector<TableColumn>& columns, const Location& where)
      : columns_(columns), where_(where) {
    for (const TableColumn& column : columns) {
      offsets_.push_back(row_size_);
      row_size_ += H5Tget_size(column_type_of(column, Where::memory).get());
    }
  }

  [[nodiscard]] std::size_t rows() const {
    return std::visit([](const auto& values) { return values.size(); }, columns_.front().values);
  }

  [[nodiscard]] Handle type(Where place) const {
    Handle type(written(H5Tcreate(H5T_COMPOUND, row_size_), where_), H5Tclose);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Handle member = column_type_of(columns_[i], place);
      written(H5Tinsert(type.get(), columns_[i].name.c_str(), offsets_[i], member.get()), where_);
    }
    return type;
  }

  /// The table in memory, row by row.
  [[nodiscard]] std::vector<char> values() const {
    std::vector<char> table(rows() * row_size_);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      char* place = table.data() + offsets_[i];
      const auto put = [&](const auto& values) {
        for (const auto& value : values) {
          const std::span<const char> bytes = bytes_of(value);
          std::copy(bytes.begin(), bytes.end(), place);
          place += row_size_;
        }
      };
      std::visit(put, columns_[i].values);
    }
    return table;
  }

 private:
  [[nodiscard]] Handle column_type_of(const TableColumn& column, Where place) const {
    return std::visit([&](const auto& values) { return column_type(values, place, where_); },
                      column.values);
  }

  const std::vector<TableColumn>& columns_;
  const Location& where_;
  std::vector<std::size_t> offsets_;
  std::size_t row_size_ = 0;
};

Handle make_space(const Shape& shape, const Location& where) {
  const auto rank = static_cast<int>(shape.size());
  return {written(rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, shape.data(), nullptr),
                  where),
          H5Sclose};
}

/// Equal contents give equal files: no times are kept.
Handle make_properties(hid_t property_class, const Location& where) {
  Handle properties(written(H5Pcreate(property_class), where), H5Pclose);
  written(H5Pset_obj_track_times(properties.get(), false), where);
  return properties;
}

/// Links of a group stay in its header, which is small and has a checksum, at any number of names
/// that a results file has.
void keep_links_compact(const Handle& properties, const Location& where) {
  written(H5Pset_link_phase_change(properties.get(), 1024, 512), where);
}

/// Lets the in-memory driver take the bytes of a file from `image` without copies in between, and
/// leave them to it when it closes the file. (H5Fget_file_image gives them earlier, but spoils the
/// checksum of the superblock up to HDF5 1.14.)
Handle in_memory_access(Image& image, const Location& where) {
  Handle access(written(H5Pcreate(H5P_FILE_ACCESS), where), H5Pclose);
  constexpr std::size_t growth = std::size_t{1} << 20;
  written(H5Pset_fapl_core(access.get(), growth, false), where);
  written(H5Pset_fclose_degree(access.get(), H5F_CLOSE_STRONG), where);
  H5FD_file_image_callbacks_t callbacks{};
  callbacks.image_malloc = [](std::size_t size, H5FD_file_image_op_t operation, void* data) {
    auto& kept = *static_cast<Image*>(data);
    if (operation != H5FD_FILE_IMAGE_OP_FILE_OPEN)
      return static_cast<void*>(const_cast<char*>(kept.given.data()));
    kept.size = size;
    return std::malloc(size);
  };
  callbacks.image_memcpy = [](void* to, const void* from, std::size_t size,
                              H5FD_file_image_op_t operation, void*) {
    return operation == H5FD_FILE_IMAGE_OP_FILE_OPEN ? std::memcpy(to, from, size) : to;
  };
  callbacks.image_realloc = [](void* memory, std::size_t size, H5FD_file_image_op_t, void* data) {
    static_cast<Image*>(data)->size = size;
    return std::realloc(memory, size);
  };
  callbacks.image_free = [](void* memory, H5FD_file_image_op_t operation, void* data) -> herr_t {
    if (operation == H5FD_FILE_IMAGE_OP_FILE_CLOSE) static_cast<Image*>(data)->left.reset(memory);
    return 0;
  };
  callbacks.udata_copy = [](void* data) { return data; };
  callbacks.udata_free = [](void*) -> herr_t { return 0; };
  callbacks.udata = &image;
  written(H5Pset_file_image_callbacks(access.get(), &callbacks), where);
  if (!image.given.empty()) {
    void* bytes = const_cast<char*>(image.given.data());  // copied when the file is opened
    written(H5Pset_file_image(access.get(), bytes, image.given.size()), where);
  }
  return access;
}

/// The library looks for a file of the name it is given first, so that must not be a real one; and
/// it takes two files in memory with the same name for one.
std::string name_in_memory(const std::string& path) {
  static int count = 0;  // guarded by the session
  return fmt::format("{} in memory, {}", path, ++count);
}

Handle create_in_memory(const std::string& path, Image& image) {
  const Location where{path, "/"};
  const Handle access = in_memory_access(image, where);
  // The format of HDF5 1.8, which every reader knows: the first with checksums on its metadata.
  written(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), where);
  const Handle creation = make_properties(H5P_FILE_CREATE, where);
  keep_links_compact(creation, where);
  return {
      written(H5Fcreate(name_in_memory(path).c_str(), H5F_ACC_TRUNC, creation.get(), access.get()),
              where),
      H5Fclose};
}

/// What is new in it has the same format, what is there may have any.
Handle open_in_memory(const std::string& path, Image& image, unsigned flags) {
  const Location where{path, "/"};
  const Handle access = in_memory_access(image, where);
  readable(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_LATEST), where);
  return {readable(H5Fopen(name_in_memory(path).c_str(), flags, access.get()), where), H5Fclose};
}

/// How many of the bytes are the file: as its superblock says, to which a user block comes.
std::size_t bytes_of_file(const std::string& path, std::string_view bytes) {
  const Location where{path, "/"};
  Image image{bytes};
  const Handle file = open_in_memory(path, image, H5F_ACC_RDONLY);
  const Handle creation(readable(H5Fget_create_plist(file.get()), where), H5Pclose);
  hsize_t user_block = 0;
  readable(H5Pget_userblock(creation.get(), &user_block), where);
  return static_cast<std::size_t>(user_block) +
         static_cast<std::size_t>(readable(H5Fget_file_image(file.get(), nullptr, 0), where));
}

/// Copies an attribute within a file, unless the other object has one of that name. For H5Aiterate.
herr_t copy_attribute(hid_t object, const char* name, const H5A_info_t*, void* target) {
  const hid_t to = *static_cast<const hid_t*>(target);
  if (H5Aexists(to, name) != 0 || std::string_view(name) == scales_of_axes) return 0;
  const Handle attribute(H5Aopen(object, name, H5P_DEFAULT), H5Aclose);
  const Handle type(H5Aget_type(attribute.get()), H5Tclose);
  const Handle space(H5Aget_space(attribute.get()), H5Sclose);
  const Handle copy(H5Acreate2(to, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                    H5Aclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (copy.get() < 0 || count < 0) return -1;
  if (count == 0 || H5Sget_simple_extent_type(space.get()) == H5S_NULL) return 0;
  const std::size_t size = static_cast<std::size_t>(count) * H5Tget_size(type.get());
  const std::unique_ptr<void, void (*)(void*)> value(std::calloc(size, 1), std::free);
  if (!value || H5Aread(attribute.get(), type.get(), value.get()) < 0) return -1;
  const herr_t result = H5Awrite(copy.get(), type.get(), value.get());
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, value.get());
  return result;
}

/// Whether what is at the name itself, not at the end of a soft or external link, is such an
/// object.
bool is_hard(hid_t group, const std::string& name, H5O_type_t kind) {
  H5L_info_t link{};
  H5O_info_t object{};
  return H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_HARD &&
         H5Oget_info_by_name(group, name.c_str(), &object, H5P_DEFAULT) >= 0 && object.type == kind;
}

/// Whether the dataset has this type and extent and holds its values itself, as they are.
bool takes(const Handle& dataset, const Handle& type, const Handle& space) {
  const Handle its_type(H5Dget_type(dataset.get()), H5Tclose);
  const Handle its_space(H5Dget_space(dataset.get()), H5Sclose);
  const Handle properties(H5Dget_create_plist(dataset.get()), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(properties.get());
  return H5Tequal(its_type.get(), type.get()) > 0 &&
         H5Sextent_equal(its_space.get(), space.get()) > 0 &&
         (layout == H5D_CONTIGUOUS || layout == H5D_COMPACT) &&
         H5Pget_external_count(properties.get()) == 0;
}

// ------------------------------------------------------------------------------------- reading

/// HDF5 looks for its signature at 0, 512, 1024, 2048, ...
bool has_signature(std::ifstream& file) {
  constexpr std::array<char, 8> signature = {'\x89', 'H', 'D', 'F', '\r', '\n', '\x1a', '\n'};
  std::array<char, 8> found{};
  std::streamoff at = 0;
  while (file.seekg(at) && file.read(found.data(), found.size())) {
    if (found == signature) return true;
    at = at == 0 ? 512 : 2 * at;
  }
  return false;
}

/// Throws InputError unless there is a regular, readable file with the signature of HDF5.
void check_format(const fs::path& path) {
  const std::string name = quoted(path.string());
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) throw InputError(name + " does not exist");
  if (fs::is_directory(status)) throw InputError(name + " is a folder, not an HDF5 file");
  if (!error && !fs::is_regular_file(status)) throw InputError(name + " is not a regular file");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) throw InputError(fmt::format("cannot open {}: {}", name, std::strerror(errno)));
  if (!has_signature(file)) throw InputError(name + " is not an HDF5 file");
}

Handle open_file(const fs::path& path) {
  check_format(path);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
#if H5_VERSION_GE(1, 12, 1) || (H5_VERS_MINOR == 10 && H5_VERS_RELEASE >= 7)
  // The library refuses a file that it cannot lock, also where nobody can.
  if (!can_be_locked(path)) H5Pset_file_locking(access.get(), false, true);
#endif
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (file.get() >= 0) return file;
  const std::string why = reason();
  if (why.find("truncated") != std::string::npos) {
    throw InputError(fmt::format("{} is a truncated HDF5 file: only its first {} bytes are there",
                                 quoted(path.string()), fs::file_size(path)));
  }
  throw InputError(quoted(path.string()) + " is a damaged or locked HDF5 file" + why);
}

hsize_t file_size(hid_t object, const Location& where) {
  const Handle file(readable(H5Iget_file_id(object), where), H5Fclose);
  hsize_t size = 0;
  readable(H5Fget_filesize(file.get(), &size), where);
  return size;
}

/// element * prod(shape), or the largest number when that is larger.
hsize_t total_bytes(hsize_t element, const Shape& shape) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  hsize_t bytes = element;
  for (const hsize_t n : shape) {
    constexpr hsize_t most = std::numeric_limits<hsize_t>::max();
    if (bytes > most / n) return most;
    bytes *= n;
  }
  return bytes;
}

/// What may be there without having been written: the fill value in its place.
constexpr hsize_t most_fill = hsize_t{1} << 28;

/// gzip reaches 1:1032.
constexpr hsize_t most_compression = 1100;

/// Reads one string of the given file type through `read(memory type, destination)`.
template <class Read>
std::string read_string(const Handle& file_type, const Location& where, Read read) {
  const Handle type(readable(H5Tcopy(file_type.get()), where), H5Tclose);
  if (readable(H5Tis_variable_str(type.get()), where) > 0) {
    char* text = nullptr;
    readable(read(type.get(), &text), where);
    const std::unique_ptr<char, herr_t (*)(void*)> owner(
        text, [](void* memory) { return H5free_memory(memory); });
    return text == nullptr ? "" : text;
  }
  readable(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where);
  std::string text(H5Tget_size(type.get()), '\0');
  readable(read(type.get(), text.data()), where);
  return text.substr(0, text.find('\0'));
}

/// The type of a string of the same length that ends with its last byte or its first zero.
Handle padded(const Handle& file_type, const Location& where) {
  Handle type(readable(H5Tcopy(file_type.get()), where), H5Tclose);
  readable(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where);
  return type;
}

/// Not variable-length: its damage would bring the library down.
bool is_fixed_text(const Handle& type) {
  return H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0;
}

/// Whether values of the type are converted to double (any real number) or to an integer (any
/// integer).
template <class T>
bool holds(const Handle& type) {
  constexpr std::size_t largest_number = 16;
  const H5T_class_t kind = H5Tget_class(type.get());
  const bool real = kind == H5T_FLOAT && std::is_same_v<T, double>;
  return (real || kind == H5T_INTEGER) && H5Tget_size(type.get()) <= largest_number;
}

/// The strings of `width` bytes that stand one behind the other.
std::vector<std::string> split(const std::string& text, std::size_t width) {
  std::vector<std::string> texts;
  texts.reserve(text.size() / width);
  for (std::size_t at = 0; at < text.size(); at += width) {
    const std::string one = text.substr(at, width);
    texts.push_back(one.substr(0, one.find('\0')));
  }
  return texts;
}

}  // namespace

std::string reason() {
  using Text = std::array<char, 300>;  // nothing that throws in a callback
  Text first{};
  const auto keep_first = [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
    auto& kept = *static_cast<Text*>(out);
    if (n == 0 && error->desc != nullptr)
      std::string_view(error->desc).copy(kept.data(), kept.size() - 1);
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &first);
  std::string text = first.data();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.empty() ? "" : fmt::format(" ({})", text);
}

Session::Session() : lock_(library_mutex()) {
  // Everything opened here is closed here. The library's own clean-up at exit has nothing to add,
  // but prints "infinite loop closing library" after a damaged file (HDF5 issue 3790, up
  // to 1.14.4).
  [[maybe_unused]] static const herr_t once = H5dont_atexit();
  H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

Session::~Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }

Location Location::child(const std::string& name) const {
  const bool absolute = !name.empty() && name.front() == '/';
  return {file, absolute ? name : (path == "/" ? "/" : path + '/') + name};
}

std::string Location::text() const { return quoted(path) + " in " + quoted(file); }

// ------------------------------------------------------------------------------------- writing

const OutputObject& OutputObject::attribute(const std::string& name, const Handle& type,
                                            const Handle& space, const void* data) const {
  if (written(H5Aexists(id(), name.c_str()), location_) > 0) {
    written(H5Adelete(id(), name.c_str()), location_);
  }
  const Handle attribute(
      written(H5Acreate2(id(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
              location_),
      H5Aclose);
  written(H5Awrite(attribute.get(), type.get(), data), location_);
  return *this;
}

const OutputObject& OutputObject::attribute(const std::string& name,
                                            const std::string& text) const {
  return attribute(name, string_type(text.size(), location_), make_space({}, location_),
                   text.c_str());
}

const OutputObject& OutputObject::attribute(const std::string& name,
                                            const std::vector<std::string>& texts) const {
  const std::size_t width = common_width(texts);
  return attribute(name, string_type(width, location_), make_space({texts.size()}, location_),
                   joined(texts, width).data());
}

const OutputObject& OutputObject::attribute(const std::string& name, int value) const {
  const Handle type(written(H5Tcopy(H5T_NATIVE_INT), location_), H5Tclose);
  return attribute(name, type, make_space({}, location_), &value);
}

OutputGroup OutputGroup::group(const std::string& name) const {
  Location where = location().child(name);
  if (mode_ == Mode::edit && is_hard(id(), name, H5O_TYPE_GROUP)) {
    Handle there(written(H5Gopen2(id(), name.c_str(), H5P_DEFAULT), where), H5Gclose);
    return {std::move(there), std::move(where), mode_, *scales_};
  }
  clear(name);
  const Handle properties = make_properties(H5P_GROUP_CREATE, where);
  keep_links_compact(properties, where);
  Handle group(
      written(H5Gcreate2(id(), name.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT), where),
      H5Gclose);
  return {std::move(group), std::move(where), mode_, *scales_};
}

OutputGroup OutputGroup::existing_group(const std::string& path) const {
  Location where = location().child(path);
  Handle group(written(H5Gopen2(id(), path.c_str(), H5P_DEFAULT), where), H5Gclose);
  return {std::move(group), std::move(where), mode_, *scales_};
}

void OutputGroup::clear(const std::string& name) const {
  if (mode_ == Mode::create) return;
  const Location where = location().child(name);
  if (written(H5Lexists(id(), name.c_str(), H5P_DEFAULT), where) == 0) return;
  written(H5Ldelete(id(), name.c_str(), H5P_DEFAULT), where);
}

void OutputGroup::external_link(const std::string& name, const std::string& file,
                                const std::string& target) const {
  clear(name);
  written(H5Lcreate_external(file.c_str(), target.c_str(), id(), name.c_str(), H5P_DEFAULT,
                             H5P_DEFAULT),
          location().child(name));
}

Handle OutputGroup::create_dataset(const std::string& name, const Handle& file_type,
                                   const Handle& space, const Handle& properties) const {
  scales_->renewed(location().path, name);
  return {written(H5Dcreate2(id(), name.c_str(), file_type.get(), space.get(), H5P_DEFAULT,
                             properties.get(), H5P_DEFAULT),
                  location().child(name)),
          H5Dclose};
}

Handle OutputGroup::replace_dataset(const std::string& name, const Handle& file_type,
                                    const Handle& space, const Handle& properties) const {
  if (!is_hard(id(), name, H5O_TYPE_DATASET)) {
    clear(name);
    return create_dataset(name, file_type, space, properties);
  }
  const Location where = location().child(name);
  Handle old(written(H5Dopen2(id(), name.c_str(), H5P_DEFAULT), where), H5Dclose);
  if (takes(old, file_type, space)) return old;
  clear(name);
  Handle dataset = create_dataset(name, file_type, space, properties);
  hid_t to = dataset.get();
  written(H5Aiterate2(old.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, copy_attribute, &to), where);
  return dataset;
}

OutputObject OutputGroup::dataset(const std::string& name, const Handle& file_type,
                                  const Handle& properties, const Axes& axes, hid_t memory_type,
                                  const void* data) const {
  Location where = location().child(name);
  Shape shape;
  for (const Axis& axis : axes) shape.push_back(axis.length);
  if (!axes.empty()) scales_->add(location().path, name, axes);
  const Handle space = make_space(shape, where);
  Handle dataset = mode_ == Mode::create ? create_dataset(name, file_type, space, properties)
                                         : replace_dataset(name, file_type, space, properties);
  written(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), where);
  return {std::move(dataset), std::move(where)};
}

OutputObject OutputGroup::text(const std::string& name, const std::string& value) const {
  const Location where = location().child(name);
  const Handle type = string_type(value.size() + 1, where);  // netCDF 4.9.0 relies on a zero
  return dataset(name, type, make_properties(H5P_DATASET_CREATE, where), {}, type.get(),
                 value.c_str());
}

template <class T>
OutputObject OutputGroup::numbers(const std::string& name, const T* values,
                                  const Axes& axes) const {
  const Location where = location().child(name);
  const Handle type(written(H5Tcopy(stored_type<T>()), where), H5Tclose);
  return dataset(name, type, make_properties(H5P_DATASET_CREATE, where), axes, memory_type<T>(),
                 values);
}

template OutputObject OutputGroup::numbers(const std::string&, const double*, const Axes&) const;
template OutputObject OutputGroup::numbers(const std::string&, const long*, const Axes&) const;
template OutputObject OutputGroup::numbers(const std::string&, const std::uint64_t*,
                                           const Axes&) const;

OutputObject OutputGroup::letters(const std::string& name, const std::vector<std::string>& texts,
                                  const std::string& axis) const {
  const Location where = location().child(name);
  const std::size_t width = common_width(texts);
  Handle byte(written(H5Tcopy(H5T_C_S1), where), H5Tclose);  // netCDF's char
  OutputObject letters = dataset(name, byte, make_properties(H5P_DATASET_CREATE, where),
                                 {{axis, texts.size()}, {name + "_letter", width, false}},
                                 byte.get(), joined(texts, width).data());
  letters.attribute("_Encoding", "utf-8");
  return letters;
}

OutputObject OutputGroup::table(const std::string& name, const std::vector<TableColumn>& columns,
                                const std::string& axis) const {
  const Location where = location().child(name);
  const TableLayout layout(columns, where);
  const Handle properties = make_properties(H5P_DATASET_CREATE, where);
  // A label and a unit per column: they stay in the header, which has a checksum.
  written(H5Pset_attr_phase_change(properties.get(), 1024, 512), where);
  return dataset(name, layout.type(Where::file), properties, {{axis, layout.rows()}},
                 layout.type(Where::memory).get(), layout.values().data());
}

OutputFile::OutputFile(fs::path path)
    : path_(std::move(path)),
      image_(std::make_unique<Image>()),
      file_(create_in_memory(path_.string(), *image_)),
      mode_(OutputGroup::Mode::create),
      scales_(std::make_unique<DimensionScales>()) {}

OutputFile::OutputFile(fs::path path, std::string_view bytes)
    : path_(std::move(path)),
      image_(std::make_unique<Image>(Image{bytes})),
      file_(open_in_memory(path_.string(), *image_, H5F_ACC_RDWR)),
      mode_(OutputGroup::Mode::edit),
      scales_(std::make_unique<DimensionScales>()) {}

OutputFile::~OutputFile() = default;

OutputGroup OutputFile::root() const {
  Location where{path_.string(), "/"};
  Handle group(written(H5Gopen2(file_.get(), "/", H5P_DEFAULT), where), H5Gclose);
  return {std::move(group), std::move(where), mode_, *scales_};
}

void OutputFile::attach_scales() { scales_->attach(root()); }

std::string OutputFile::finish() {
  attach_scales();
  written(file_.close(), Location{path_.string(), "/"});
  const std::string_view bytes(static_cast<const char*>(image_->left.get()), image_->size);
  return std::string(bytes.substr(0, bytes_of_file(path_.string(), bytes)));
}

void save(const fs::path& path, std::string_view bytes) {
  try {
    replace_file(path, bytes);
  } catch (const std::system_error& error) {
    throw OutputError(
        fmt::format("cannot write {}: {}", quoted(path.string()), error.code().message()));
  }
}

// ------------------------------------------------------------------------------------- reading

bool InputObject::has_attribute(const std::string& name) const {
  return readable(H5Aexists(id(), name.c_str()), location_) > 0;
}

Handle InputObject::open_attribute(const std::string& name) const {
  if (!has_attribute(name)) {
    throw InputError(location_.text() + " has no attribute " + quoted(name));
  }
  Handle attribute(readable(H5Aopen(id(), name.c_str(), H5P_DEFAULT), location_), H5Aclose);
  const Handle space(readable(H5Aget_space(attribute.get()), location_), H5Sclose);
  if (H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw InputError(
        fmt::format("the attribute {} of {} is not one value", quoted(name), location_.text()));
  }
  return attribute;
}

std::string InputObject::text_attribute(const std::string& name) const {
  const Handle attribute = open_attribute(name);
  const Handle type(readable(H5Aget_type(attribute.get()), location_), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_STRING ||
      H5Tget_size(type.get()) > file_size(id(), location_)) {
    throw InputError(
        fmt::format("the attribute {} of {} is not a string", quoted(name), location_.text()));
  }
  return read_string(type, location_, [&](hid_t memory_type, void* text) {
    return H5Aread(attribute.get(), memory_type, text);
  });
}

int InputObject::integer_attribute(const std::string& name) const {
  const Handle attribute = open_attribute(name);
  const Handle type(readable(H5Aget_type(attribute.get()), location_), H5Tclose);
  if (H5Tget_class(type.get()) != H5T_INTEGER) {
    throw InputError(
        fmt::format("the attribute {} of {} is not an integer", quoted(name), location_.text()));
  }
  int value = 0;
  readable(H5Aread(attribute.get(), H5T_NATIVE_INT, &value), location_);
  return value;
}

InputDataset::InputDataset(Handle id, Location location)
    : InputObject(std::move(id), std::move(location)),
      type_(readable(H5Dget_type(this->id()), this->location()), H5Tclose),
      class_(H5Tget_class(type_.get())) {
  const Handle space(readable(H5Dget_space(this->id()), this->location()), H5Sclose);
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) {
    throw InputError(this->location().text() + " has no value");
  }
  const int rank = readable(H5Sget_simple_extent_ndims(space.get()), this->location());
  shape_.resize(static_cast<std::size_t>(rank));
  readable(H5Sget_simple_extent_dims(space.get(), shape_.data(), nullptr), this->location());
  check_extent();
}

/// A damaged or hostile header may promise any size; what can be there is bounded by what is
/// stored.
void InputDataset::check_extent() {
  const Handle properties(readable(H5Dget_create_plist(id()), location()), H5Pclose);
  const H5D_layout_t layout = H5Pget_layout(properties.get());
  if (layout == H5D_VIRTUAL || H5Pget_external_count(properties.get()) > 0) {
    throw InputError(location().text() + " is not stored in the file itself");
  }
  const hsize_t element = H5Tget_size(type_.get());
  const hsize_t held = std::min(H5Dget_storage_size(id()), file_size(id(), location()));
  Shape counted = shape_;  // who loops over rows of length zero loops nevertheless
  std::replace(counted.begin(), counted.end(), hsize_t{0}, hsize_t{1});
  hsize_t needed = total_bytes(element, counted);
  held_ = held;
  if (layout == H5D_CHUNKED) {
    Shape chunk(shape_.size());
    const auto rank = static_cast<int>(chunk.size());
    readable(H5Pget_chunk(properties.get(), rank, chunk.data()), location());
    held_ = most_compression * held;
    needed = std::max(needed, total_bytes(element, chunk));
  }
  const bool may_be_unwritten = held == 0 || layout == H5D_CHUNKED;
  check_promise(needed <= held_ + (may_be_unwritten ? most_fill : 0));
}

void InputDataset::check_rows(std::size_t bytes_of_row) const {
  constexpr hsize_t most_expansion = sizeof(std::string);  // of a letter
  constexpr hsize_t few = hsize_t{1} << 24;
  check_promise(shape_.empty() || shape_[0] <= (most_expansion * held_ + few) / bytes_of_row);
}

void InputDataset::check_promise(bool is_kept) const {
  if (!is_kept) throw InputError(location().text() + " promises more data than the file holds");
}

std::string InputDataset::text() const {
  if (!is_text() || total_bytes(1, shape_) != 1) {
    throw InputError(location().text() + " is not a string");
  }
  return read_string(type_, location(), [&](hid_t memory_type, void* text) {
    return H5Dread(id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);
  });
}

template <class T>
void InputDataset::read(T* values) const {
  if (!holds<T>(type_)) {
    throw InputError(location().text() + " does not hold " +
                     (std::is_same_v<T, double> ? "numbers" : "integers"));
  }
  readable(H5Dread(id(), memory_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), location());
}

template void InputDataset::read(double*) const;
template void InputDataset::read(long*) const;
template void InputDataset::read(std::uint64_t*) const;

std::vector<std::string> InputDataset::texts() const {
  const bool is_letters = shape_.size() == 2 && H5Tget_size(type_.get()) == 1;
  if (!is_fixed_text(type_) || (shape_.size() != 1 && !is_letters)) {
    throw InputError(location().text() +
                     " is not a list of strings of fixed length (in h5py, of dtype 'S')");
  }
  check_rows(sizeof(std::string));
  const Handle type = padded(type_, location());
  const std::size_t width = is_letters ? shape_[1] : H5Tget_size(type.get());
  if (width == 0) return std::vector<std::string>(shape_[0]);
  std::string text(static_cast<std::size_t>(shape_[0]) * width, '\0');
  readable(H5Dread(id(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()), location());
  return split(text, width);
}

bool InputDataset::has_column(const std::string& name) const {
  return class_ == H5T_COMPOUND && H5Tget_member_index(type_.get(), name.c_str()) >= 0;
}

template <class T>
std::vector<T> InputDataset::read_column(const std::string& name) const {
  if (class_ != H5T_COMPOUND || shape_.size() != 1) {
    throw InputError(location().text() + " is not a table");
  }
  const int index = H5Tget_member_index(type_.get(), name.c_str());
  if (index < 0) throw InputError(location().text() + " has no column " + quoted(name));
  const Handle found(
      readable(H5Tget_member_type(type_.get(), static_cast<unsigned>(index)), location()),
      H5Tclose);
  const auto rows = static_cast<std::size_t>(shape_[0]);
  const auto read_member = [&](hid_t type, void* values) {
    const Handle row(readable(H5Tcreate(H5T_COMPOUND, H5Tget_size(type)), location()), H5Tclose);
    readable(H5Tinsert(row.get(), name.c_str(), 0, type), location());
    readable(H5Dread(id(), row.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), location());
  };
  const auto refuse = [&](const std::string& kind) {
    throw InputError(
        fmt::format("the column {} of {} does not hold {}", quoted(name), location().text(), kind));
  };
  if constexpr (std::is_same_v<T, std::string>) {
    if (!is_fixed_text(found)) refuse("strings of fixed length");
    const Handle type = padded(found, location());
    const std::size_t width = H5Tget_size(type.get());
    std::string text(rows * width, '\0');
    read_member(type.get(), text.data());
    return split(text, width);
  } else {
    if (!holds<T>(found)) refuse(std::is_same_v<T, double> ? "numbers" : "integers");
    std::vector<T> values(rows);
    read_member(memory_type<T>(), values.data());
    return values;
  }
}

template std::vector<double> InputDataset::read_column(const std::string&) const;
template std::vector<long> InputDataset::read_column(const std::string&) const;
template std::vector<std::uint64_t> InputDataset::read_column(const std::string&) const;
template std::vector<std::string> InputDataset::read_column(const std::string&) const;

bool InputGroup::contains(const std::string& name) const {
  return readable(H5Lexists(id(), name.c_str(), H5P_DEFAULT), location()) > 0;
}

InputGroup InputGroup::group(const std::string& name) const {
  Location where = location().child(name);
  if (!contains(name)) throw InputError(where.text() + " is missing");
  Handle group(readable(H5Gopen2(id(), name.c_str(), H5P_DEFAULT), where), H5Gclose);
  return {std::move(group), std::move(where)};
}

InputDataset InputGroup::dataset(const std::string& name) const {
  Location where = location().child(name);
  Handle dataset(H5Dopen2(id(), name.c_str(), H5P_DEFAULT), H5Dclose);
  if (dataset.get() < 0) {
    const std::string why = reason();
    if (H5Lexists(id(), name.c_str(), H5P_DEFAULT) <= 0) {
      throw InputError(where.text() + " is missing");
    }
    throw InputError("cannot read " + where.text() + why);
  }
  return {std::move(dataset), std::move(where)};
}

std::vector<std::string> InputGroup::names() const {
  std::vector<std::string> names;
  const auto add = [](hid_t, const char* name, const H5L_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  readable(H5Literate(id(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add, &names), location());
  return names;
}

std::vector<std::string> InputGroup::datasets() const {
  std::vector<std::string> result = names();
  const auto is_no_dataset = [&](const std::string& name) {
    const Handle object(readable(H5Oopen(id(), name.c_str(), H5P_DEFAULT), location().child(name)),
                        H5Oclose);
    return H5Iget_type(object.get()) != H5I_DATASET;
  };
  result.erase(std::remove_if(result.begin(), result.end(), is_no_dataset), result.end());
  return result;
}

InputFile::InputFile(const fs::path& path) : name_(path.string()), file_(open_file(path)) {}

InputFile::InputFile(std::string name, std::string_view bytes)
    : name_(std::move(name)),
      image_(std::make_unique<Image>(Image{bytes})),
      file_(open_in_memory(name_, *image_, H5F_ACC_RDONLY)) {}

InputGroup InputFile::root() const {
  const Location where{name_, "/"};
  Handle group(readable(H5Gopen2(file_.get(), "/", H5P_DEFAULT), where), H5Gclose);
  return {std::move(group), where};
}

}  // namespace isochron::hdf5
