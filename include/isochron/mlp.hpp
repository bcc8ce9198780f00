#pragma once

#include <cstdint>
#include <vector>

#include "isochron/force_field.hpp"

namespace isochron {

/// none: biases on. odd: no biases, so that f(-q) = -f(q) to the last bit (tanh is odd).
enum class Symmetry { none, odd };

/// linear: beside the layers a term A q + b, so that a harmonic force is represented exactly.
enum class Skip { none, linear };

/// "none", "odd"; "none", "linear".
[[nodiscard]] const char* name(Symmetry symmetry);
[[nodiscard]] const char* name(Skip skip);

/// The structure of a network, without its parameters.
struct Architecture {
  std::vector<Index> layers;  ///< all widths, input and output included
  Symmetry symmetry = Symmetry::none;
  Skip skip = Skip::none;

  [[nodiscard]] bool operator==(const Architecture&) const = default;
};

/// A multilayer perceptron as a force field, f: R^D -> R^D,
///
///   a_0 = q,  a_l = tanh(W_l a_{l-1} + b_l),  l = 1..L-1,   f = W_L a_{L-1} + b_L [+ A q + b],
///
/// with any number of hidden layers of any width. theta holds, layer by layer, W_l (out x in, row
/// by row) and then b_l; a linear skip, A and b, comes last.
class Mlp final : public ForceField {
 public:
  /// `layers`: all widths, input and output included: {1, 16, 16, 1} has 321 parameters.
  /// Throws InputError unless there are at least two, all positive, first equal to last.
  explicit Mlp(std::vector<Index> layers, Symmetry symmetry = Symmetry::none,
               Skip skip = Skip::none);
  explicit Mlp(const Architecture& structure)
      : Mlp(structure.layers, structure.symmetry, structure.skip) {}

  [[nodiscard]] Index dimension() const override { return layers_.front(); }
  [[nodiscard]] Index parameters() const override;
  [[nodiscard]] std::unique_ptr<Linearisation> linearisation(Index points) const override;

  [[nodiscard]] const std::vector<Index>& layers() const { return layers_; }
  [[nodiscard]] Symmetry symmetry() const { return symmetry_; }
  [[nodiscard]] Skip skip() const { return skip_; }
  [[nodiscard]] Architecture architecture() const { return {layers_, symmetry_, skip_}; }
  [[nodiscard]] bool bias() const { return symmetry_ == Symmetry::none; }

  /// Weights and biases uniform in +-1/sqrt(fan-in), in the order of theta, drawn by
  /// `Random(seed)`: the same on every platform. Those of the output layer are multiplied by
  /// `output_scale`; 0 leaves the linear skip alone.
  [[nodiscard]] Vector initial_parameters(std::uint64_t seed, double output_scale = 1) const;

 private:
  std::vector<Index> layers_;
  Symmetry symmetry_;
  Skip skip_;
};

}  // namespace isochron
