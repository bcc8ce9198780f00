#include <cmath>
#include <memory>
#include <utility>

#include "field_message.hpp"
#include "forwarding_linearisation.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

/// A field, and the units it is seen in.
struct FieldInUnits {
  ForceFieldPtr field;
  Vector units;
  Vector centre;
  double factor;
};

/// With F = factor S^-1 the Jacobian by q' is F J S and that by theta is F df/dtheta.
class InUnitsAt final : public ForwardingLinearisation {
 public:
  InUnitsAt(const FieldInUnits& seen, Index points)
      : ForwardingLinearisation(seen.field->linearisation(points)),
        units_(seen.units),
        centre_(seen.centre),
        force_scale_(seen.factor * seen.units.cwiseInverse()),
        points_(points),
        moved_(units_.size(), padded(points)) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    at_->force(theta, position(q), f);
    scale_rows(f, force_scale_);
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    at_->linearise(theta, position(q), f);
    scale_rows(f, force_scale_);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    at_->transposed_product(scaled(w, force_scale_), out);
    scale_rows(out, units_);
  }
  void product(ConstBlockRef u, BlockRef out) override {
    at_->product(scaled(u, units_), out);
    scale_rows(out, force_scale_);
  }
  void jacobians(BlockRef out) override {
    at_->jacobians(out);
    const Index d = units_.size();
    for (Index i = 0; i < d; ++i) {
      for (Index j = 0; j < d; ++j) out.row(i * d + j) *= force_scale_[i] * units_[j];
    }
  }

  void parameter_product(ConstVectorRef direction, BlockRef out) override {
    at_->parameter_product(direction, out);
    scale_rows(out, force_scale_);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    at_->add_parameter_product(scaled(w, force_scale_), gradient);
  }
  void parameter_jacobians(BlockRef out) override {
    at_->parameter_jacobians(out);
    const Index count = out.rows() / units_.size();
    for (Index row = 0; row < out.rows(); ++row) out.row(row) *= force_scale_[row / count];
  }

  void add_parameter_products(const StridedRecords& records, ConstBlockRef w,
                              VectorRef gradient) override {
    at_->add_parameter_products(records, scaled(w, force_scale_), gradient);
  }
  void add_parameter_rows(const StridedRecords& records, ConstBlockRef w,
                          RowMatrixRef rows) override {
    at_->add_parameter_rows(records, scaled(w, force_scale_), rows);
  }

 private:
  static void scale_rows(BlockRef block, const Vector& factors) {
    for (Index row = 0; row < block.rows(); ++row) block.row(row) *= factors[row % factors.size()];
  }

  /// Each D rows of `block` times the factors.
  [[nodiscard]] Eigen::Block<Block> scaled(ConstBlockRef block, const Vector& factors) {
    if (moved_.rows() < block.rows()) moved_.resize(block.rows(), padded(points_));
    auto moved = moved_.topLeftCorner(block.rows(), block.cols());
    moved = block;
    scale_rows(moved, factors);
    return moved;
  }

  [[nodiscard]] Eigen::Block<Block> position(ConstBlockRef q) {
    auto moved = scaled(q, units_);
    moved.colwise() += centre_;
    return moved;
  }

  const Vector& units_;
  const Vector& centre_;
  Vector force_scale_;  // F
  Index points_;
  Block moved_;
};

class InUnits final : public ComposedField {
 public:
  explicit InUnits(FieldInUnits seen) : seen_(std::move(seen)) {}

  [[nodiscard]] Index dimension() const override { return seen_.field->dimension(); }
  [[nodiscard]] Index parameters() const override { return seen_.field->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<InUnitsAt>(seen_, points);
  }
  void write(FieldWriter& to) const override {
    to(FieldKind::units, seen_.field, seen_.units, seen_.centre, seen_.factor);
  }

 private:
  FieldInUnits seen_;
};

}  // namespace

ForceFieldPtr in_units(ForceFieldPtr field, Vector units, Vector centre, double factor) {
  require(field != nullptr, "in_units got a null pointer; give a force field");
  const Index d = field->dimension();
  require(units.size() == d && centre.size() == d,
          "in_units got {} units and a centre of {} components for a force field of dimension {}; "
          "give one for each dimension",
          units.size(), centre.size(), d);
  require(units.allFinite() && (units.array() > 0).all(),
          "in_units got units that are not positive; give finite numbers > 0");
  require(centre.allFinite() && std::isfinite(factor),
          "in_units got a centre or a factor that is not finite; give finite numbers");
  return std::make_shared<InUnits>(
      FieldInUnits{std::move(field), std::move(units), std::move(centre), factor});
}

}  // namespace isochron
