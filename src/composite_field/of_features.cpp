#include <functional>
#include <memory>
#include <utility>

#include "forwarding_linearisation.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {
namespace {

struct FieldOfFeatures {
  ForceFieldPtr field;
  ScalarMap phi;
};

/// The parameters are those of the field, at phi(q). A record holds its record there, and then
/// phi'(q) [D x B].
class FeaturesAt final : public ForwardingLinearisation {
 public:
  FeaturesAt(const FieldOfFeatures& composed, Index points)
      : ForwardingLinearisation(composed.field->linearisation(points)),
        phi_(composed.phi),
        dimension_(composed.field->dimension()),
        features_(dimension_, padded(points)),
        own_slopes_(features_.size()),
        slopes_(own_slopes_.data()) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    auto features = features_.leftCols(q.cols());
    features = q.unaryExpr(std::cref(phi_.value));
    at_->force(theta, features, f);
  }
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    auto features = features_.leftCols(q.cols());
    features = q.unaryExpr(std::cref(phi_.value));
    at_->linearise(theta, features, f);
    slopes(q.cols()) = q.unaryExpr(std::cref(phi_.slope));
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    at_->transposed_product(w, out);
    out.array() *= slopes(w.cols()).array();
  }
  void product(ConstBlockRef u, BlockRef out) override {
    auto moved = features_.leftCols(u.cols());
    moved = slopes(u.cols()).cwiseProduct(u);
    at_->product(moved, out);
  }
  void jacobians(BlockRef out) override {
    at_->jacobians(out);
    for (Index i = 0; i < dimension_; ++i) {
      out.middleRows(i * dimension_, dimension_).array() *= slopes(out.cols()).array();
    }
  }

  [[nodiscard]] Index record_size() const override {
    return at_->record_size() + own_slopes_.size();
  }
  void use_record(double* record) override {
    at_->use_record(record);
    slopes_ = record != nullptr ? record + at_->record_size() : own_slopes_.data();
  }

 private:
  [[nodiscard]] Eigen::Map<Block> slopes(Index points) const {
    return {slopes_, dimension_, points};
  }

  const ScalarMap& phi_;
  Index dimension_;
  Block features_;
  Vector own_slopes_;
  double* slopes_;
};

class Features final : public ForceField {
 public:
  explicit Features(FieldOfFeatures composed) : composed_(std::move(composed)) {}

  [[nodiscard]] Index dimension() const override { return composed_.field->dimension(); }
  [[nodiscard]] Index parameters() const override { return composed_.field->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<FeaturesAt>(composed_, points);
  }

 private:
  FieldOfFeatures composed_;
};

}  // namespace

ForceFieldPtr of_features(ForceFieldPtr field, ScalarMap phi) {
  require(field != nullptr, "of_features got a null pointer; give a force field");
  require(phi.value && phi.slope,
          "of_features got an empty function; give the value and the slope of the feature map");
  return std::make_shared<Features>(FieldOfFeatures{std::move(field), std::move(phi)});
}

}  // namespace isochron
