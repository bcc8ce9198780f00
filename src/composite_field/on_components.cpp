#include <algorithm>
#include <memory>
#include <utility>

#include "field_message.hpp"
#include "forwarding_linearisation.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

struct EmbeddedField {
  ForceFieldPtr field;
  std::vector<Index> components;
  Index dimension;
};

/// A record is that of the field.
class EmbeddedAt final : public ForwardingLinearisation {
 public:
  EmbeddedAt(const EmbeddedField& embedded, Index points)
      : ForwardingLinearisation(embedded.field->linearisation(points)),
        components_(embedded.components),
        dimension_(embedded.dimension),
        size_(embedded.field->dimension()),
        points_(points),
        taken_(size_, points),
        out_(size_ * size_, points) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    auto own = out_.topLeftCorner(size_, f.cols());
    at_->force(theta, taken(q), own);
    put(own, f);
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    auto own = out_.topLeftCorner(size_, f.cols());
    at_->linearise(theta, taken(q), own);
    put(own, f);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    auto own = out_.topLeftCorner(size_, out.cols());
    at_->transposed_product(taken(w), own);
    put(own, out);
  }
  void product(ConstBlockRef u, BlockRef out) override {
    auto own = out_.topLeftCorner(size_, out.cols());
    at_->product(taken(u), own);
    put(own, out);
  }
  void jacobians(BlockRef out) override {
    auto own = out_.leftCols(out.cols());
    at_->jacobians(own);
    out.setZero();
    for (Index i = 0; i < size_; ++i) {
      for (Index j = 0; j < size_; ++j) {
        out.row(component(i) * dimension_ + component(j)) = own.row(i * size_ + j);
      }
    }
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    auto own = out_.topLeftCorner(size_, out.cols());
    at_->parameter_product(direction, own);
    put(own, out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    at_->add_parameter_product(taken(w), gradient);
  }
  void parameter_jacobians(BlockRef out) override {
    // Not before it is needed: for wide networks it is large.
    slopes_.resize(out.rows() / dimension_ * size_, points_);
    auto own = slopes_.leftCols(out.cols());
    at_->parameter_jacobians(own);
    put(own, out);
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    at_->add_parameter_products(records, taken(w), gradient);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    at_->add_parameter_rows(records, taken(w), rows);
  }

 private:
  [[nodiscard]] Index component(Index i) const { return components_[static_cast<std::size_t>(i)]; }

  /// The components that the field sees, of each D rows of `block`.
  [[nodiscard]] Eigen::Block<Block> taken(ConstBlockRef block) {
    const Index parts = block.rows() / dimension_;
    if (taken_.rows() < parts * size_) taken_.resize(parts * size_, points_);
    for (Index k = 0; k < parts; ++k) {
      for (Index i = 0; i < size_; ++i) {
        taken_.row(k * size_ + i).head(block.cols()) = block.row(k * dimension_ + component(i));
      }
    }
    return taken_.topLeftCorner(parts * size_, block.cols());
  }

  /// `own`, as many rows for each of its components, to its place in `out`.
  void put(ConstBlockRef own, BlockRef out) const {
    const Index rows = own.rows() / size_;
    out.setZero();
    for (Index i = 0; i < size_; ++i) {
      out.middleRows(component(i) * rows, rows) = own.middleRows(i * rows, rows);
    }
  }

  const std::vector<Index>& components_;
  Index dimension_;
  Index size_;  // of the field
  Index points_;
  Block taken_;
  Block out_;     // of the field: a force, a product or Jacobians
  Block slopes_;  // of the field, by its parameters
};

class Embedded final : public ComposedField {
 public:
  explicit Embedded(EmbeddedField embedded) : embedded_(std::move(embedded)) {}

  [[nodiscard]] Index dimension() const override { return embedded_.dimension; }
  [[nodiscard]] Index parameters() const override { return embedded_.field->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<EmbeddedAt>(embedded_, points);
  }
  void write(FieldWriter& to) const override {
    to(FieldKind::components, embedded_.field, embedded_.components, embedded_.dimension);
  }

 private:
  EmbeddedField embedded_;
};

}  // namespace

ForceFieldPtr on_components(ForceFieldPtr field, std::vector<Index> components, Index dimension) {
  require(field != nullptr, "on_components got a null pointer; give a force field");
  require(static_cast<Index>(components.size()) == field->dimension(),
          "on_components got {} components for a force field of dimension {}; give one for each "
          "dimension",
          components.size(), field->dimension());
  std::vector<bool> is_taken(static_cast<std::size_t>(std::max<Index>(0, dimension)), false);
  for (const Index component : components) {
    require(component >= 0 && component < dimension,
            "on_components got component {} of a space of dimension {}; give indices from 0 to {}",
            component, dimension, dimension - 1);
    require(!is_taken[static_cast<std::size_t>(component)],
            "on_components got component {} twice; give different ones", component);
    is_taken[static_cast<std::size_t>(component)] = true;
  }
  return std::make_shared<Embedded>(
      EmbeddedField{std::move(field), std::move(components), dimension});
}

}  // namespace isochron
