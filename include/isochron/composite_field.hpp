#pragma once

#include <functional>
#include <vector>

#include "isochron/force_field.hpp"
#include "isochron/parameter_scale.hpp"

namespace isochron {

// Force fields made of other ones. Derivatives are taken by the parts' own products, and are exact
// where those are. Composites are fields like any other and can be parts themselves.

/// f = f_1 + f_2 + .., fields of one dimension. theta holds the parameters of f_1, then those of
/// f_2, .. A known part and a network make a universal differential equation (Rackauckas et al.
/// 2020, arXiv:2001.04385); so u_1' = a u_1 + N_1(u), u_2' = N_2(u) - b u_2 is
///
///   sum_of({linear, std::make_shared<Mlp>(std::vector<Index>{2, 16, 16, 2})}).
///
/// Throws InputError for no part, a null pointer and parts of different dimensions.
[[nodiscard]] ForceFieldPtr sum_of(std::vector<ForceFieldPtr> parts);

/// The parts of a field that sum_of has made, in their order; of another field none.
[[nodiscard]] std::vector<ForceFieldPtr> parts_of(const ForceField& field);

/// The field with its P parameters held at `values`, except those with indices `free` (increasing,
/// 0 .. P - 1): these are theta, in the same order, and their entries of `values` are not used.
/// Throws InputError for a null pointer, another number of values than P, indices out of order or
/// range, and a held value that is not finite.
[[nodiscard]] ForceFieldPtr with_fixed(ForceFieldPtr field, Vector values,
                                       std::vector<Index> free = {});

/// A function of one number and its derivative. Called by several threads at once.
struct ScalarMap {
  std::function<double(double)> value;
  std::function<double(double)> slope;
};

/// f(phi(q_1), .., phi(q_D)), J = df/dphi diag(phi'(q)). With phi(u) = u^3 and a network N this is
/// the spiral u' = N(u^3) (Chen et al. 2018, arXiv:1806.07366):
///
///   of_features(n, {[](double u) { return u * u * u; }, [](double u) { return 3 * u * u; }}).
///
/// Throws InputError for a null pointer and an empty function.
[[nodiscard]] ForceFieldPtr of_features(ForceFieldPtr field, ScalarMap phi);

/// A field of d dimensions acting on d components of q in a space of `dimension`: component
/// components[i] of the result is f_i(q_components[0], .., q_components[d-1]), all others are 0. An
/// unknown friction N(v) in v' = .. + N(v), beside x' = v, is on_components(network, {1}, 2).
/// Throws InputError for a null pointer, and unless `components` are d different indices from 0 to
/// dimension - 1.
[[nodiscard]] ForceFieldPtr on_components(ForceFieldPtr field, std::vector<Index> components,
                                          Index dimension);

/// The field with its P parameters on these scales: parameter p is scales[p].value(theta[p]).
/// Throws InputError for a null pointer, another number of scales than P, and bounds that hold no
/// number.
[[nodiscard]] ForceFieldPtr with_scales(ForceFieldPtr field, std::vector<ParameterScale> scales);

/// The field in other units: with q = centre + S q', S the diagonal matrix of `units`,
///
///   f'(q') = factor S^-1 f(centre + S q').
///
/// For times in units of s, factor = s^2 belongs to q'' = f(q), s to y' = f(y). Throws InputError
/// for a null pointer, vectors of another size than D, units that are not positive and numbers that
/// are not finite.
[[nodiscard]] ForceFieldPtr in_units(ForceFieldPtr field, Vector units, Vector centre,
                                     double factor);

}  // namespace isochron
