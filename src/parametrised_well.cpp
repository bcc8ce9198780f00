#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floating_point.hpp"
#include "isochron/well.hpp"

namespace isochron {
namespace {

/// A kind of well: its name and its parameters.
struct Kind {
  std::string name;
  std::vector<NamedParameter> parameters;
};

/// The well of a kind at the parameters asked for last; none where one is out of its range.
class CurrentWell {
 public:
  explicit CurrentWell(const Kind& kind) : kind_(kind) {}

  void move_to(ConstVectorRef theta) {
    if (theta_.size() == theta.size() && theta_ == theta && well_) return;
    theta_ = theta;
    well_.reset();
    std::map<std::string, double> values;
    for (Index p = 0; p < theta.size(); ++p) {
      const NamedParameter& parameter = kind_.parameters[static_cast<std::size_t>(p)];
      if (!parameter.admits(theta[p])) return;
      values.emplace(parameter.name, theta[p]);
    }
    well_ = make_well(kind_.name, values);
  }

  /// out = of(well, x) at every position.
  template <class Of>
  void evaluate(const Of& of, const double* positions, BlockRef out) const {
    for (Index b = 0; b < out.cols(); ++b) {
      out(0, b) = well_ ? of(*well_, positions[b]) : not_a_number;
    }
  }

 private:
  const Kind& kind_;
  Vector theta_;
  std::optional<Well> well_;
};

/// A record holds the positions.
class WellAt final : public Linearisation {
 public:
  WellAt(const Kind& kind, Index points)
      : parameters_(static_cast<Index>(kind.parameters.size())),
        evaluated_(kind),
        linearised_(kind),
        own_positions_(padded(points)),
        positions_(own_positions_.data()),
        slopes_(1, padded(points)) {}

  void force(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    evaluated_.move_to(theta);
    evaluated_.evaluate(value_of, q.data(), f);
  }
  // Products read the parameters of the last linearisation: no force in between may change them.
  void linearise(ConstVectorRef theta, ConstBlockRef q, BlockRef f) override {
    linearised_.move_to(theta);
    std::copy_n(q.data(), q.cols(), positions_);
    linearised_.evaluate(value_of, positions_, f);
  }
  void transposed_product(ConstBlockRef w, BlockRef out) override {
    jacobians(out);
    out.array() *= w.array();
  }
  void product(ConstBlockRef u, BlockRef out) override { transposed_product(u, out); }
  void jacobians(BlockRef out) override {
    linearised_.evaluate([](const Well& well, double x) { return well.force_slope(x); }, positions_,
                         out);
  }
  void add_parameter_product(ConstBlockRef w, VectorRef gradient) override {
    auto slopes = slopes_.leftCols(w.cols());
    for (Index p = 0; p < parameters_; ++p) {
      put_slopes(p, slopes);
      gradient[p] += slopes.row(0).dot(w.row(0));
    }
  }
  void parameter_jacobians(BlockRef out) override {
    for (Index p = 0; p < parameters_; ++p) put_slopes(p, out.middleRows(p, 1));
  }
  [[nodiscard]] Index record_size() const override { return own_positions_.size(); }
  void use_record(double* record) override {
    positions_ = record != nullptr ? record : own_positions_.data();
  }

 private:
  static double value_of(const Well& well, double x) { return well.force(x); }

  void put_slopes(Index parameter, BlockRef out) const {
    linearised_.evaluate(
        [=](const Well& well, double x) { return well.parameter_slope(parameter, x); }, positions_,
        out);
  }

  Index parameters_;
  CurrentWell evaluated_;   // by the last force
  CurrentWell linearised_;  // and by the last linearisation
  Vector own_positions_;
  double* positions_;
  Block slopes_;
};

class ParametrisedWell final : public ForceField {
 public:
  explicit ParametrisedWell(const std::string& name) : kind_{name, well_parameters(name)} {}

  [[nodiscard]] Index dimension() const override { return 1; }
  [[nodiscard]] Index parameters() const override {
    return static_cast<Index>(kind_.parameters.size());
  }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return std::make_unique<WellAt>(kind_, points);
  }

 private:
  Kind kind_;
};

}  // namespace

ForceFieldPtr parametrised_well(const std::string& name) {
  return std::make_shared<ParametrisedWell>(name);
}

}  // namespace isochron
