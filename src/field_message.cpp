#include "field_message.hpp"

#include "isochron/analytic_force.hpp"
#include "isochron/composite_field.hpp"
#include "sentence.hpp"

namespace isochron {

template <class Archive, Is<Architecture> T>
void transfer(Archive& archive, T& network) {
  archive(network.layers, network.symmetry, network.skip, network.activation);
}
template <class Archive, Is<AnalyticParameter> T>
void transfer(Archive& archive, T& parameter) {
  archive(parameter.name, parameter.value, parameter.is_fitted, parameter.scale);
}
template <class Archive, Is<AnalyticTerm> T>
void transfer(Archive& archive, T& term) {
  archive(term.name, term.parameters);
}

void FieldWriter::put(const ForceFieldPtr& field) {
  if (const auto* composed = dynamic_cast<const ComposedField*>(field.get())) {
    composed->write(*this);
  } else if (const auto* network = dynamic_cast<const Mlp*>(field.get())) {
    to_(FieldKind::network, network->architecture());
  } else if (const auto* force = dynamic_cast<const AnalyticForce*>(field.get())) {
    to_(FieldKind::analytic, force->term());
  } else {
    to_(FieldKind::own, own_.size());
    own_.push_back(field);
  }
}

ForceFieldPtr read_field(MessageReader& from, const std::vector<ForceFieldPtr>& own) {
  switch (from.next<FieldKind>()) {
    case FieldKind::own: {
      const auto number = from.next<std::size_t>();
      require(
          number < own.size(),
          "the force is not one that a message can hold; hand the objective with the same force "
          "to serve() on all other ranks");
      return own[number];
    }
    case FieldKind::network: return std::make_shared<Mlp>(from.next<Architecture>());
    case FieldKind::analytic: return std::make_shared<AnalyticForce>(from.next<AnalyticTerm>());
    case FieldKind::sum: {
      std::vector<ForceFieldPtr> parts(from.next<std::size_t>());
      for (ForceFieldPtr& part : parts) part = read_field(from, own);
      return sum_of(std::move(parts));
    }
    case FieldKind::fixed: {
      ForceFieldPtr field = read_field(from, own);
      auto values = from.next<Vector>();
      return with_fixed(std::move(field), std::move(values), from.next<std::vector<Index>>());
    }
    case FieldKind::components: {
      ForceFieldPtr field = read_field(from, own);
      auto components = from.next<std::vector<Index>>();
      return on_components(std::move(field), std::move(components), from.next<Index>());
    }
    case FieldKind::scales: {
      ForceFieldPtr field = read_field(from, own);
      return with_scales(std::move(field), from.next<std::vector<ParameterScale>>());
    }
    case FieldKind::units: {
      ForceFieldPtr field = read_field(from, own);
      auto units = from.next<Vector>();
      auto centre = from.next<Vector>();
      return in_units(std::move(field), std::move(units), std::move(centre), from.next<double>());
    }
  }
  throw Error("a message from another rank has no field");
}

std::vector<ForceFieldPtr> own_fields(const ForceFieldPtr& field) {
  MessageWriter ignored;
  FieldWriter writer(ignored);
  writer(field);
  return writer.own();
}

}  // namespace isochron
