#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "isochron/force_field.hpp"

namespace isochron {

/// The function sigma of the hidden layers: tanh z; softplus: log(1 + e^z); sin z; gelu: z Phi(z),
/// Phi the normal distribution function.
enum class Activation { tanh, softplus, sin, gelu };

/// none: biases on. odd: no biases, so that f(-q) = -f(q) to the last bit where sigma is odd: tanh
/// or sin.
enum class Symmetry { none, odd };

/// linear: beside the layers a term A q + b, so that a harmonic force is represented exactly.
enum class Skip { none, linear };

/// "tanh", "softplus", "sin", "gelu"; "none", "odd"; "none", "linear".
[[nodiscard]] const char* name(Activation activation);
[[nodiscard]] const char* name(Symmetry symmetry);
[[nodiscard]] const char* name(Skip skip);

/// The structure of a network, without its parameters.
struct Architecture {
  std::vector<Index> layers;  ///< all widths, input and output included
  Symmetry symmetry = Symmetry::none;
  Skip skip = Skip::none;
  Activation activation = Activation::tanh;

  [[nodiscard]] bool operator==(const Architecture&) const = default;
};

/// A multilayer perceptron as a force field, f: R^D -> R^D,
///
///   a_0 = q,  a_l = sigma(W_l a_{l-1} + b_l),  l = 1..L-1,   f = W_L a_{L-1} + b_L [+ A q + b],
///
/// with any number of hidden layers of any width. theta holds, layer by layer, W_l (out x in, row
/// by row) and then b_l; a linear skip, A and b, comes last.
class Mlp final : public ForceField {
 public:
  /// Widths {1, 16, 16, 1} have 321 parameters. Throws InputError unless there are at least two,
  /// all positive, first equal to last, and for an odd force of an activation that is not odd.
  explicit Mlp(Architecture structure);
  explicit Mlp(std::vector<Index> layers, Symmetry symmetry = Symmetry::none,
               Skip skip = Skip::none, Activation activation = Activation::tanh)
      : Mlp(Architecture{std::move(layers), symmetry, skip, activation}) {}

  [[nodiscard]] Index dimension() const override { return structure_.layers.front(); }
  [[nodiscard]] Index parameters() const override;
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override;

  [[nodiscard]] const std::vector<Index>& layers() const { return structure_.layers; }
  [[nodiscard]] Symmetry symmetry() const { return structure_.symmetry; }
  [[nodiscard]] Skip skip() const { return structure_.skip; }
  [[nodiscard]] Activation activation() const { return structure_.activation; }
  [[nodiscard]] const Architecture& architecture() const { return structure_; }
  [[nodiscard]] bool bias() const { return symmetry() == Symmetry::none; }

  /// Weights and biases uniform in +-1/sqrt(fan-in), in the order of theta, drawn by
  /// `Random(seed)`: the same on every platform. Those of the output layer are multiplied by
  /// `output_scale`; 0 leaves the linear skip alone.
  [[nodiscard]] Vector initial_parameters(std::uint64_t seed, double output_scale = 1) const;

 private:
  Architecture structure_;
};

/// Whether sigma(-z) = -sigma(z).
[[nodiscard]] inline bool is_odd(Activation activation) {
  return activation == Activation::tanh || activation == Activation::sin;
}

}  // namespace isochron
