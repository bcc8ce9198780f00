#pragma once

// The one door to the HDF5 C library: owned identifiers, checked calls, and failures as exceptions
// whose one sentence names the file, the object and the reason.

// Where addresses of objects are numbers; from HDF5 1.12 on they are tokens.
#ifndef H5_USE_110_API
#define H5_USE_110_API
#endif
#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "isochron/error.hpp"

namespace isochron::hdf5 {

/// Extents of an array in C order (the last index runs fastest); empty for a scalar.
using Shape = std::vector<hsize_t>;

/// An axis of an array. Arrays of a group whose axes have the same name share that axis, which is
/// as long for each; the array that has its name holds its values.
struct Axis {
  std::string name;
  hsize_t length;
  bool has_values = true;  ///< or is only counted
};
/// Of an array in C order; none of a scalar.
using Axes = std::vector<Axis>;

/// Owns an HDF5 identifier together with the H5?close call that releases it. Move-only.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);

  Handle() = default;
  Handle(hid_t id, Close deleter) : id_(id), close_(deleter) {}
  Handle(Handle&& other) noexcept
      : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }

  [[nodiscard]] hid_t get() const { return id_; }

  /// Closes now, for who wants to know whether that succeeds.
  [[nodiscard]] herr_t close() { return close_(std::exchange(id_, H5I_INVALID_HID)); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// Lasts as long as a file is in use: only one thread enters the library, which need not be built
/// thread-safe, and the library prints no error stack.
class Session {
 public:
  Session();
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

/// An object inside a file, as messages name it.
struct Location {
  std::string file;
  std::string path;  ///< "/run/training"

  [[nodiscard]] Location child(const std::string& name) const;
  [[nodiscard]] std::string text() const;  ///< "'/run/training' in 'run.h5'"
};

/// The innermost description on HDF5's error stack, in parentheses and on one line.
[[nodiscard]] std::string reason();

/// Passes on the result of an HDF5 call unless it is negative: OutputError.
template <class T>
T written(T result, const Location& where) {
  if (result < 0) throw OutputError("cannot write " + where.text() + reason());
  return result;
}

/// The same for reading: InputError.
template <class T>
T readable(T result, const Location& where) {
  if (result < 0) throw InputError("cannot read " + where.text() + reason());
  return result;
}

// ------------------------------------------------------------------------------------- writing

/// A group or dataset that has been written and takes attributes. Throws OutputError.
class OutputObject {
 public:
  OutputObject(Handle id, Location location) : id_(std::move(id)), location_(std::move(location)) {}

  /// A UTF-8 string on a scalar dataspace.
  const OutputObject& attribute(const std::string& name, const std::string& text) const;
  /// A 1-D array of UTF-8 strings; at least one.
  const OutputObject& attribute(const std::string& name,
                                const std::vector<std::string>& texts) const;
  /// A scalar integer.
  const OutputObject& attribute(const std::string& name, int value) const;
  /// What `data` holds in the type and extent.
  const OutputObject& attribute(const std::string& name, const Handle& type, const Handle& space,
                                const void* data) const;

  [[nodiscard]] hid_t id() const { return id_.get(); }
  [[nodiscard]] const Location& location() const { return location_; }

 private:
  Handle id_;
  Location location_;
};

/// A named column of a table. Strings get the length of the longest.
struct TableColumn {
  std::string name;
  std::variant<std::vector<std::string>, std::vector<long>, std::vector<std::uint64_t>,
               std::vector<double>>
      values;
};

class DimensionScales;

/// A group that takes groups and datasets. Names are single path components. In a new file they are
/// not in use yet, or OutputError. In an edited one, groups that are there are gone on with, and a
/// dataset takes the place of an older one: within it, where type and extent are the same, so that
/// references to it hold; otherwise it is a new object with the other's attributes.
class OutputGroup : public OutputObject {
 public:
  enum class Mode { create, edit };

  /// `scales`, which must live as long, learn of every array.
  OutputGroup(Handle id, Location location, Mode mode, DimensionScales& scales)
      : OutputObject(std::move(id), std::move(location)), mode_(mode), scales_(&scales) {}

  [[nodiscard]] OutputGroup group(const std::string& name) const;
  /// One that is there, by its absolute path.
  [[nodiscard]] OutputGroup existing_group(const std::string& path) const;

  /// A link to what stands at `target` in another file, whose name is seen from this one's folder.
  void external_link(const std::string& name, const std::string& file,
                     const std::string& target) const;

  /// A scalar UTF-8 string.
  OutputObject text(const std::string& name, const std::string& value) const;

  /// Numbers in C order; T is double, long or std::uint64_t. Stored little-endian, 64 bits, in one
  /// piece: gzip with shuffle takes only 8 to 18% off states and orbits, and the index of chunks,
  /// unlike all other metadata, has no checksum.
  template <class T>
  OutputObject numbers(const std::string& name, const T* values, const Axes& axes) const;

  /// UTF-8 texts as a matrix of bytes, one text per row, filled up with zeros; at least one text.
  /// (netCDF 4.9.0 crashes when it reads a list of strings of fixed length.)
  OutputObject letters(const std::string& name, const std::vector<std::string>& texts,
                       const std::string& axis) const;

  /// A 1-D array of compounds with a member for each column. Columns are equally long, not empty.
  OutputObject table(const std::string& name, const std::vector<TableColumn>& columns,
                     const std::string& axis) const;

 private:
  OutputObject dataset(const std::string& name, const Handle& file_type, const Handle& properties,
                       const Axes& axes, hid_t memory_type, const void* data) const;
  [[nodiscard]] Handle create_dataset(const std::string& name, const Handle& file_type,
                                      const Handle& space, const Handle& properties) const;
  [[nodiscard]] Handle replace_dataset(const std::string& name, const Handle& file_type,
                                       const Handle& space, const Handle& properties) const;
  /// In an edited file, takes out what has this name.
  void clear(const std::string& name) const;

  Mode mode_;
  DimensionScales* scales_;
};

/// Bytes that HDF5 takes for a file: given to be opened, left behind by one that was closed.
struct Image {
  std::string_view given;
  std::unique_ptr<void, void (*)(void*)> left{nullptr, std::free};
  std::size_t size = 0;  ///< of what is left; the last bytes may be none of the file's
};

/// Puts a file in its place by replace_file. Throws OutputError with the system's reason; what was
/// at `path` is then untouched.
void save(const std::filesystem::path& path, std::string_view bytes);

/// A file composed in memory, so that HDF5 never meets a failing disk: it cannot close a file that
/// it cannot flush.
class OutputFile {
 public:
  /// A new one.
  explicit OutputFile(std::filesystem::path path);
  /// One that begins as a copy of another, whose bytes must live as long as this.
  OutputFile(std::filesystem::path path, std::string_view bytes);
  ~OutputFile();

  [[nodiscard]] OutputGroup root() const;

  /// When all arrays have been written: makes the axes that they name known to other programs.
  void attach_scales();

  /// Ends the composition (groups and datasets of this file must not be used any more): the bytes
  /// of the file.
  [[nodiscard]] std::string finish();

 private:
  Session session_;
  std::filesystem::path path_;
  std::unique_ptr<Image> image_;
  Handle file_;
  OutputGroup::Mode mode_;
  std::unique_ptr<DimensionScales> scales_;
};

// ------------------------------------------------------------------------------------- reading

/// A group or dataset of a file that is only read. Everything below throws InputError.
class InputObject {
 public:
  InputObject(Handle id, Location location) : id_(std::move(id)), location_(std::move(location)) {}

  [[nodiscard]] bool has_attribute(const std::string& name) const;
  [[nodiscard]] std::string text_attribute(const std::string& name) const;  ///< one string
  [[nodiscard]] int integer_attribute(const std::string& name) const;       ///< one integer

  [[nodiscard]] const Location& location() const { return location_; }
  [[nodiscard]] hid_t id() const { return id_.get(); }

 private:
  [[nodiscard]] Handle open_attribute(const std::string& name) const;

  Handle id_;
  Location location_;
};

/// A dataset whose type and extent were checked against the size of the file: what it promises to
/// hold may be allocated.
class InputDataset : public InputObject {
 public:
  InputDataset(Handle id, Location location);

  [[nodiscard]] const Shape& shape() const { return shape_; }

  /// Throws InputError unless the rows, of so many bytes each in memory, are in proportion to what
  /// is written.
  void check_rows(std::size_t bytes_of_row) const;
  [[nodiscard]] bool is_text() const { return class_ == H5T_STRING; }
  [[nodiscard]] bool is_integer() const { return class_ == H5T_INTEGER; }
  [[nodiscard]] bool is_unsigned() const {
    return is_integer() && H5Tget_sign(type_.get()) == H5T_SGN_NONE;
  }
  [[nodiscard]] bool is_number() const { return class_ == H5T_FLOAT || is_integer(); }

  /// The one string it holds.
  [[nodiscard]] std::string text() const;

  /// All numbers in C order; `values` has room for the product of shape(). T is double (any real
  /// type is converted), long or std::uint64_t (any integer type).
  template <class T>
  void read(T* values) const;

  /// All strings of a 1-D array of strings of fixed length, or of a matrix of bytes.
  [[nodiscard]] std::vector<std::string> texts() const;

  /// Whether it is an array of compounds with a member of that name.
  [[nodiscard]] bool has_column(const std::string& name) const;

  /// A member of a 1-D array of compounds. T is double, long, std::uint64_t or std::string (of
  /// fixed length).
  template <class T>
  [[nodiscard]] std::vector<T> read_column(const std::string& name) const;

 private:
  void check_extent();
  void check_promise(bool is_kept) const;

  Handle type_;
  H5T_class_t class_ = H5T_NO_CLASS;
  hsize_t held_ = 0;  ///< bytes that what is written can stand for
  Shape shape_;
};

class InputGroup : public InputObject {
 public:
  using InputObject::InputObject;

  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] InputGroup group(const std::string& name) const;
  /// `name` may be a path.
  [[nodiscard]] InputDataset dataset(const std::string& name) const;
  /// Names of all that is in this group, and of the datasets alone, in alphabetical order.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::vector<std::string> datasets() const;
};

class InputFile {
 public:
  /// The message tells a missing file, a folder, a file of another format and a truncated or
  /// damaged HDF5 file apart.
  explicit InputFile(const std::filesystem::path& path);
  /// The bytes of a file, which must live as long as this; the name is for messages.
  InputFile(std::string name, std::string_view bytes);

  [[nodiscard]] InputGroup root() const;
  [[nodiscard]] hid_t get() const { return file_.get(); }

 private:
  Session session_;
  std::string name_;
  std::unique_ptr<Image> image_;
  Handle file_;
};

}  // namespace isochron::hdf5
