#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "isochron/error.hpp"
#include "isochron/states.hpp"

namespace isochron {

// Values in a message from one process to another that runs the same program on a machine of the
// same kind: as the memory holds them. A struct has one function `transfer(archive, value)` for
// both directions, which names its members: archive(value.a, value.b).

using Bytes = std::vector<char>;  // Communicator::Bytes

/// T is this struct, or the same to be read alone.
template <class T, class Struct>
concept Is = std::is_same_v<std::remove_const_t<T>, Struct>;

class MessageWriter {
 public:
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  void append(const void* data, std::size_t size) {
    const auto* first = static_cast<const char*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  void put_size(std::size_t size) { append(&size, sizeof size); }

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      append(&value, sizeof value);
    } else {
      transfer(*this, value);
    }
  }
  void put(const std::string& text) {
    put_size(text.size());
    append(text.data(), text.size());
  }
  template <class Scalar, int Rows, int Columns, int Options>
  void put(const Eigen::Matrix<Scalar, Rows, Columns, Options>& matrix) {
    put(matrix.rows());
    put(matrix.cols());
    append(matrix.data(), sizeof(Scalar) * static_cast<std::size_t>(matrix.size()));
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put_size(values.size());
    for (const T& value : values) put(value);
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& both) {
    put(both.first);
    put(both.second);
  }
  template <class Key, class T>
  void put(const std::map<Key, T>& values) {
    put_size(values.size());
    for (const auto& entry : values) put(entry);
  }

  Bytes bytes_;
};

class MessageReader {
 public:
  /// The bytes must outlive it.
  explicit MessageReader(const Bytes& bytes) : next_(bytes.data()), left_(bytes.size()) {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  template <class T>
  [[nodiscard]] T next() {
    T value{};
    get(value);
    return value;
  }

 private:
  void copy(void* to, std::size_t size) {
    if (size > left_) throw Error("a message from another rank ends too early");
    if (size > 0) std::memcpy(to, next_, size);
    next_ += size;
    left_ -= size;
  }
  std::size_t size() {
    std::size_t value = 0;
    copy(&value, sizeof value);
    if (value > left_) throw Error("a message from another rank ends too early");
    return value;
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
      copy(&value, sizeof value);
    } else {
      transfer(*this, value);
    }
  }
  void get(std::string& text) {
    text.resize(size());
    copy(text.data(), text.size());
  }
  template <class Scalar, int Rows, int Columns, int Options>
  void get(Eigen::Matrix<Scalar, Rows, Columns, Options>& matrix) {
    const auto rows = next<Index>();
    const auto columns = next<Index>();
    matrix.resize(rows, columns);
    copy(matrix.data(), sizeof(Scalar) * static_cast<std::size_t>(matrix.size()));
  }
  template <class T>
  void get(std::vector<T>& values) {
    values.clear();
    for (std::size_t count = size(); count > 0; --count) values.push_back(next<T>());
  }
  template <class T>
  void get(std::optional<T>& value) {
    value.reset();
    if (next<bool>()) value = next<T>();
  }
  template <class A, class B>
  void get(std::pair<A, B>& both) {
    get(both.first);
    get(both.second);
  }
  template <class Key, class T>
  void get(std::map<Key, T>& values) {
    values.clear();
    for (std::size_t count = size(); count > 0; --count) {
      values.insert(next<std::pair<Key, T>>());
    }
  }

  const char* next_;
  std::size_t left_;
};

}  // namespace isochron
