#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "isochron/force_field.hpp"
#include "isochron/mlp.hpp"
#include "isochron/named_parameter.hpp"
#include "isochron/parameter_scale.hpp"

namespace isochron {

/// One parameter of an analytic force.
struct AnalyticParameter {
  std::string name;
  double value;            ///< that it is held at, or that a fit starts from
  bool is_fitted = false;  ///< whether it is one of theta
  ParameterScale scale;    ///< on which it is fitted

  [[nodiscard]] bool operator==(const AnalyticParameter&) const = default;
};

/// A force by its formula and its parameters, as a results file records it. Formulas, by name:
///
///   all wells         (well.hpp), D = 1
///   linear            f = A q, parameters a11, a12, .. of row and column, 1 <= D <= 9;
///                     A = -1 where nothing else is said
///   lotka-volterra    f_1 = alpha q_1 - beta q_1 q_2, f_2 = delta q_1 q_2 - gamma q_2, D = 2:
///                     of y' = f(y), prey and predators
struct AnalyticTerm {
  std::string name;
  std::vector<AnalyticParameter> parameters;  ///< all, in the order of analytic_parameters

  [[nodiscard]] bool operator==(const AnalyticTerm&) const = default;
};

/// The names above.
[[nodiscard]] std::vector<std::string> analytic_names();

/// D of the formula `name`; nothing where it can have several. Throws InputError when the name is
/// unknown.
[[nodiscard]] std::optional<Index> analytic_dimension(const std::string& name);

/// The parameters of a formula in D dimensions with their defaults and ranges. Throws InputError
/// when the name is unknown, or has no formula in this dimension.
[[nodiscard]] std::vector<NamedParameter> analytic_parameters(const std::string& name,
                                                              Index dimension);

/// The formula in D dimensions with all its parameters as theta. NaN where a parameter is out of
/// its range, or a position is outside of the domain. Throws like analytic_parameters.
[[nodiscard]] ForceFieldPtr analytic_field(const std::string& name, Index dimension);

/// The formula with all parameters held: at `values`, the others at their defaults. Throws like
/// analytic_parameters, and InputError when a parameter is unknown, or a value out of range.
[[nodiscard]] AnalyticTerm analytic_term(const std::string& name, Index dimension,
                                         const std::map<std::string, double>& values = {});

/// A term as a force field: theta holds the fitted parameters on their scales, in their order.
class AnalyticForce final : public ForceField {
 public:
  /// Throws InputError when the name is unknown, the parameters are not those of the formula in
  /// some dimension, a value is out of its range, or what is fitted does not start inside its
  /// scale.
  explicit AnalyticForce(AnalyticTerm term);

  [[nodiscard]] Index dimension() const override { return field_->dimension(); }
  [[nodiscard]] Index parameters() const override { return field_->parameters(); }
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override {
    return field_->linearisation(points);
  }

  [[nodiscard]] const AnalyticTerm& term() const { return term_; }
  /// theta where a fit starts.
  [[nodiscard]] Vector start() const;
  /// The parameters at theta [K], and their derivatives each by its own component of theta [K], 0
  /// of those that are held.
  [[nodiscard]] Vector values(ConstVectorRef theta) const;
  [[nodiscard]] Vector slopes(ConstVectorRef theta) const;

 private:
  AnalyticTerm term_;
  ForceFieldPtr field_;
};

/// What a force is made of: a term that is known but for its parameters, a network, or their sum,
/// whose theta holds the term's parameters first. Neither: another field.
struct ForceStructure {
  std::optional<AnalyticTerm> known;
  std::optional<Architecture> network;

  [[nodiscard]] bool operator==(const ForceStructure&) const = default;
};

/// The structure of an AnalyticForce, an Mlp, or the sum (sum_of) of one and the other.
[[nodiscard]] ForceStructure structure_of(const ForceField& field);

/// The field with this structure; null where there is none. Throws like AnalyticForce and Mlp.
[[nodiscard]] ForceFieldPtr make_field(const ForceStructure& structure);

/// Parameters to start from: random ones of networks (Mlp::initial_parameters),
/// AnalyticForce::start of an AnalyticForce, and those of the parts of a sum one after the other.
/// Throws InputError for another field that has parameters.
[[nodiscard]] Vector starting_parameters(const ForceField& field, std::uint64_t seed,
                                         double output_scale = 1);

}  // namespace isochron
