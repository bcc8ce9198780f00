#include "cli/data_columns.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "cli/codec.hpp"
#include "isochron/observed_data.hpp"
#include "sentence.hpp"

namespace isochron::cli {
namespace {

using Kind = DataColumn::Kind;

const std::string error_suffix = "_error";

bool is_error(const std::string& name) {
  return name.size() > error_suffix.size() && name.ends_with(error_suffix);
}

std::string without_suffix(const std::string& name) {
  return name.substr(0, name.size() - error_suffix.size());
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

ColumnNames parse_observe(const std::string& text) {
  ColumnNames names;
  if (text.empty()) return names;
  for (const std::string& part : split(text + ',', ',')) {
    const auto equals = part.find('=');
    const std::vector<std::string> sides = split(part + '=', '=');
    const bool two = equals != std::string::npos && sides.size() == 2;
    require(two && !sides[0].empty() && !sides[1].empty(),
            "--observe {}: {} is not of the form NAME=COMPONENT; an example is hare=y1,lynx=y2",
            shown(text), quoted(part));
    require(names.emplace(sides[0], sides[1]).second, "--observe {} names the column {} twice",
            shown(text), quoted(sides[0]));
  }
  return names;
}

std::string DataColumns::components() const {
  const auto name = [&](Index component) { return component_name(motion_, dimension_, component); };
  std::vector<std::string> groups;
  for (Index first = 0; first < state_dimension(); first += dimension_) {
    groups.push_back(dimension_ == 1
                         ? name(first)
                         : fmt::format("{}..{}", name(first), name(first + dimension_ - 1)));
  }
  return fmt::format("{}", fmt::join(groups, ", "));
}

std::string DataColumns::text() const {
  std::string text = components();
  for (const auto& [name, meant] : observe_) text += fmt::format(", {}={}", name, meant);
  return text;
}

std::string DataColumns::renamed(const std::string& name) const {
  if (const auto found = observe_.find(name); found != observe_.end()) return found->second;
  if (!is_error(name)) return name;
  const auto values = observe_.find(without_suffix(name));
  return values == observe_.end() ? name : values->second + error_suffix;
}

std::optional<Index> DataColumns::first_component(const std::string& letter) const {
  const bool newtonian = motion_ == Motion::newtonian;
  if (newtonian ? letter == "q" || letter == "x" : letter == "y") return 0;
  if (newtonian && letter == "v") return dimension_;
  return std::nullopt;
}

std::optional<Index> DataColumns::component(const std::string& known_name) const {
  const auto first = first_component(known_name.substr(0, 1));
  if (!first) return std::nullopt;
  std::string digits = known_name.substr(1);
  if (digits.empty() && dimension_ == 1) return first;
  if (digits.starts_with('_')) digits.erase(0, 1);
  const auto number = parse_whole(digits);
  if (!number || *number < 1 || *number > dimension_) return std::nullopt;
  if (digits != fmt::format("{}", *number)) return std::nullopt;
  return *first + static_cast<Index>(*number) - 1;
}

DataColumn DataColumns::meaning(const std::string& known_name) const {
  if (known_name == "trajectory") return {Kind::trajectory, 0};
  if (known_name == "t" || known_name == "time") return {Kind::time, 0};
  const bool error = is_error(known_name);
  const auto found = component(error ? without_suffix(known_name) : known_name);
  if (!found) return {};
  return {error ? Kind::error : Kind::value, *found};
}

std::optional<DataColumn> DataColumns::field(const std::string& name) const {
  const std::string known_name = renamed(name);
  const bool error = is_error(known_name);
  const auto first = first_component(error ? without_suffix(known_name) : known_name);
  if (!first) return std::nullopt;
  return DataColumn{error ? Kind::error : Kind::value, *first};
}

void DataColumns::check_meanings() const {
  for (const auto& [name, meant] : observe_) {
    require(meaning(meant).kind != Kind::ignored,
            "--observe {}={}: {} is no component of {} data with --dimension {}, which have {}",
            shown(name), shown(meant), quoted(meant), isochron::name(motion_), dimension_,
            components());
  }
}

void DataColumns::check_observed(const std::vector<std::string>& names,
                                 const std::string& where) const {
  for (const auto& [name, meant] : observe_) {
    require(has(names, name), "{}: there is no column {}, which --observe {}={} names, but {}",
            where, quoted(name), shown(name), shown(meant),
            shown(fmt::format("{}", fmt::join(names, ", "))));
  }
}

void DataColumns::check_set(const std::vector<std::string>& names,
                            const std::vector<DataColumn>& columns,
                            const std::string& where) const {
  const auto contains = [&](const DataColumn& column) {
    return std::find(columns.begin(), columns.end(), column) != columns.end();
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].kind == Kind::ignored) continue;
    const auto first = std::find(columns.begin(), columns.end(), columns[i]);
    const auto other = static_cast<std::size_t>(first - columns.begin());
    require(other == i, "{}: the columns {} and {} mean the same; leave one out", where,
            quoted(names[other]), quoted(names[i]));
    require(columns[i].kind != Kind::error || contains({Kind::value, columns[i].component}),
            "{}: the column {} needs the column of its values, {}", where, quoted(names[i]),
            component_name(motion_, dimension_, columns[i].component));
  }
  require(contains({Kind::time, 0}), "{}: there is no column t with the times, but {}", where,
          shown(fmt::format("{}", fmt::join(names, ", "))));
  const auto is_value = [](const DataColumn& column) { return column.kind == Kind::value; };
  require(std::any_of(columns.begin(), columns.end(), is_value),
          "{}: there is no column with a component of {} data, {}, but {}", where,
          isochron::name(motion_), components(), shown(fmt::format("{}", fmt::join(names, ", "))));
}

std::vector<DataColumn> DataColumns::of(const std::vector<std::string>& names,
                                        const std::string& where) const {
  check_meanings();
  check_observed(names, where);
  std::vector<DataColumn> columns;
  for (const std::string& name : names) {
    require(!name.empty(),
            "{}: column {} has no name, as the index that pandas writes; name all columns (pandas: "
            "to_csv(.., index=False))",
            where, columns.size() + 1);
    require(!name.ends_with(prediction_error_suffix) || observe_.contains(name),
            "{}: the column {} holds errors of a prediction, which are none of observations; leave "
            "these columns out, or make data: isochron simulate run.h5 --noise S --output data.csv",
            where, quoted(name));
    columns.push_back(meaning(renamed(name)));
    require(
        columns.back().kind != Kind::ignored || !observe_.empty(),
        "{}: the column {} is unknown; {} data with --dimension {} have the columns trajectory, "
        "t, {}, and NAME_error; say what it means, as in --observe {}={}",
        where, quoted(name), isochron::name(motion_), dimension_, components(), shown(name),
        component_name(motion_, dimension_, 0));
  }
  check_set(names, columns, where);
  return columns;
}

}  // namespace isochron::cli
