#pragma once

#include "isochron/certificate.hpp"

namespace isochron {

/// Calls visit(name, label, units, value) for every number of a certificate, under the name that it
/// has in a file and for programs: an Index&, an int&, a double& or an optional one.
/// `certificate`: const or not, to write or to read.
template <class AnyCertificate, class Visit>
void for_each_certificate_number(AnyCertificate& certificate, const Visit& visit) {
  const auto number = [&](const char* name, const char* label, auto& value) {
    visit(name, label, "1", value);
  };
  number("n", "periods in T (0: undecided)", certificate.n);
  number("x0", "centre x0, the bottom of the well", certificate.center);
  number("trajectories", "trajectories", certificate.trajectories);
  number("escaping", "trajectories that the well does not hold", certificate.escaping);
  number("asked_period", "period T that was asked for", certificate.period);
  number("tolerance", "tolerance of the verdict", certificate.tolerance);
  number("energy_limit", "height of the well, as far as it was followed", certificate.energy_limit);
  number("lowest_energy", "lowest visited energy E", certificate.lowest_energy);
  number("highest_energy", "highest visited energy E", certificate.highest_energy);
  number("median_multiple", "T/T(E) at the median energy", certificate.median_multiple);
  number("period_deviation_max", "max |n T(E)/T - 1| at the visited energies",
         certificate.period_deviation_max);
  number("period_deviation_mean", "mean |n T(E)/T - 1| at the visited energies",
         certificate.period_deviation_mean);
  number("period_deviation_between", "max |n T(E)/T - 1| between the visited energies",
         certificate.period_deviation_between);
  number("width_deviation_max", "max |R - 1| at the visited energies",
         certificate.width_deviation_max);
  number("width_deviation_mean", "mean |R - 1| at the visited energies",
         certificate.width_deviation_mean);
  number("shear_max", "max |S|/A at the visited energies", certificate.shear_max);
}

/// The same of its small amplitudes.
template <class AnySmallAmplitude, class Visit>
void for_each_coefficient(AnySmallAmplitude& bottom, const Visit& visit) {
  visit("u2", "U''(x0)", "1", bottom.u2);
  visit("u3", "U'''(x0)", "1", bottom.u3);
  visit("u4", "U''''(x0)", "1", bottom.u4);
}

}  // namespace isochron
