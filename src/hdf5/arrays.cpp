#include "hdf5/arrays.hpp"

#include <algorithm>
#include <sstream>

#include "hdf5/file.hpp"
#include "sentence.hpp"

namespace isochron::hdf5 {
namespace {

InputGroup group_at(const InputFile& file, const std::string& path) {
  InputGroup group = file.root();
  std::stringstream parts(path);
  for (std::string name; std::getline(parts, name, '/');) {
    if (name.empty()) continue;
    const auto datasets = group.datasets();
    require(std::find(datasets.begin(), datasets.end(), name) == datasets.end(),
            "{} is a dataset; give the group that it is in", group.location().child(name).text());
    group = group.group(name);
  }
  return group;
}

/// `T` is what HDF5 converts the numbers to.
template <class T>
std::vector<T> read_all(const InputDataset& dataset) {
  std::size_t count = 1;
  for (const hsize_t extent : dataset.shape()) count *= static_cast<std::size_t>(extent);
  // Chunks that were not written and have no fill value leave what is there.
  std::vector<T> values(count, T{});
  if (count > 0) dataset.read(values.data());
  return values;
}

template <class T>
std::vector<std::string> as_texts(const std::vector<T>& numbers) {
  std::vector<std::string> texts;
  texts.reserve(numbers.size());
  for (const T number : numbers) texts.push_back(fmt::format("{}", number));
  return texts;
}

}  // namespace

struct Arrays::Open {
  Open(const std::string& name, const std::string& path)
      : file(name), group(group_at(file, path)) {}

  InputFile file;
  InputGroup group;
};

Arrays::Arrays(const std::string& file, const std::string& path)
    : open_(std::make_unique<Open>(file, path)) {}
Arrays::~Arrays() = default;

std::vector<std::string> Arrays::names() const { return open_->group.datasets(); }

std::vector<Index> Arrays::shape(const std::string& name) const {
  const Shape shape = open_->group.dataset(name).shape();
  return {shape.begin(), shape.end()};
}

std::vector<double> Arrays::numbers(const std::string& name) const {
  return read_all<double>(open_->group.dataset(name));
}

std::vector<std::string> Arrays::labels(const std::string& name) const {
  const InputDataset dataset = open_->group.dataset(name);
  require(dataset.shape().size() == 1, "{} has {} dimensions, but a list of names has 1",
          dataset.location().text(), dataset.shape().size());
  if (dataset.is_text()) return dataset.texts();
  if (dataset.is_unsigned()) return as_texts(read_all<std::uint64_t>(dataset));
  if (dataset.is_integer()) return as_texts(read_all<long>(dataset));
  return as_texts(read_all<double>(dataset));
}

}  // namespace isochron::hdf5
