#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace isochron {

/// The largest text file that is read, so that a device or a pipe without end is refused.
struct TextLimits {
  std::size_t bytes;
  std::size_t line;  ///< of one line
};

/// A text file that is opened once and read once, from its beginning to its end, so that it may be
/// a pipe. Lines end with \n, \r\n or \r; a byte order mark of UTF-8 is passed over. Everything
/// throws InputError: what cannot be opened or read to its end, is beyond the limits, or is no
/// text: HDF5, UTF-16, or anything with zero bytes.
class TextFile {
 public:
  /// `what` names the contents: "the initial states"; `if_hdf5` is added to the sentence about an
  /// HDF5 file.
  TextFile(const std::string& path, const std::string& what, TextLimits limits,
           const std::string& if_hdf5 = ", not text");
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  /// The next line without its end; false when there is none left.
  [[nodiscard]] bool next(std::string& line);

  /// "the initial states file states.txt"
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The line that was read last: "in states.txt, line 3".
  [[nodiscard]] std::string where() const;

 private:
  [[nodiscard]] bool refill();
  void read_some();
  void check_zeros() const;
  void check_beginning(const std::string& if_hdf5);

  std::string path_;
  std::string name_;
  TextLimits limits_;
  int descriptor_;
  std::array<char, 1 << 16> buffer_{};
  std::size_t begin_ = 0;  // of what is in the buffer and was not given out yet
  std::size_t end_ = 0;
  std::size_t total_ = 0;
  long line_ = 0;
  bool after_return_ = false;  // a \n that follows belongs to it
};

}  // namespace isochron
