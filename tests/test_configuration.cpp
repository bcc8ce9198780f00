#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <set>

#include "cli/command_line.hpp"
#include "cli/grid.hpp"
#include "cli/option_table.hpp"
#include "cli/resolved.hpp"
#include "cli/stored_configuration.hpp"
#include "isochron/mlp.hpp"
#include "isochron/random.hpp"

namespace test_configuration {

using namespace isochron;
using namespace isochron::cli;

namespace {

using Arguments = std::vector<std::string>;

Configuration of(Verb verb) {
  Configuration configuration;
  configuration.verb = verb;
  return configuration;
}

Configuration train_with(const Arguments& arguments) {
  return read_configuration(verb_train, arguments);
}

/// The sentence that something is refused with.
template <class Work>
std::string refusal(const Work& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// Texts of all kinds, of which each option takes some.
class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  /// One that the option takes.
  std::string admissible(const Option& option) {
    for (int attempt = 0; attempt < 2000; ++attempt) {
      std::string text = any(option);
      Configuration scratch;
      if (option.setting.read(scratch, text)) return text;
    }
    FAIL("no text is admissible for --", option.key);
    return "";
  }

  bool one_in(int count) { return below(count) == 0; }

 private:
  int below(int count) { return std::uniform_int_distribution(0, count - 1)(random_); }

  std::string any(const Option& option) {
    switch (below(7)) {
      case 0: return std::to_string(std::uniform_int_distribution<std::uint64_t>()(random_));
      case 1: return std::to_string(below(1 + static_cast<int>(std::pow(10, below(9)))));
      case 2: return number();
      case 3: return number() + "," + number();
      case 4: return "a=" + number() + ",beta=" + number();
      case 5: return word_of(option.setting.wanted);
      default: return words_[static_cast<std::size_t>(below(static_cast<int>(words_.size())))];
    }
  }

  std::string number() {
    const double exponent = std::uniform_real_distribution(-15.0, 7.0)(random_);
    const char* format = one_in(2) ? "%.17g" : "%.2g";
    char text[40];
    std::snprintf(text, sizeof text, format, (one_in(5) ? -1 : 1) * std::pow(10, exponent));
    return text;
  }

  /// One of those in "one of adjoint, forward".
  std::string word_of(const std::string& wanted) {
    std::vector<std::string> found(1);
    for (const char c : wanted + ' ') {
      if (c != ' ' && c != ',') {
        found.back() += c;
      } else if (!found.back().empty()) {
        found.emplace_back();
      }
    }
    return found[static_cast<std::size_t>(below(static_cast<int>(found.size())))];
  }

  const Arguments words_ = {"",       "true",     "no",       "2pi",       "3*pi/4",
                            "pi/7",   "90s",      "2h",       "16,16",     "8",
                            "+5",     "-0",       "1e3",      "a \"b\"",   "\xc3\xa9\n\\",
                            "[1, 2]", "run.h5:/", "svg, pdf", "seed=1|2;", "null"};
  std::mt19937 random_;
};

constexpr Verb stored_verbs[] = {verb_train, verb_simulate, verb_check_gradient, verb_benchmark,
                                 verb_sweep};

Objective made_of(Loss loss, Index trajectories, double period) {
  const Dynamics dynamics(std::make_shared<Mlp>(std::vector<Index>{1, 1}));
  return Objective(dynamics, Ensemble(normal_states(2, trajectories, 1), period), loss);
}

}  // namespace

TEST_CASE("every default can be written, and is what its text says") {
  for (const auto& [verb, name] : verb_names) {
    for (const Option* option : options_of(verb)) {
      CAPTURE(option->key);
      Configuration configuration = of(verb);
      const std::string text = option->setting.write(configuration);
      CHECK(option->setting.read(configuration, text));
      CHECK(option->setting.write(configuration) == text);
      CHECK(option->help().find("{}") == std::string::npos);
      CHECK(option == find_option(option->key, verb));
    }
  }
}

TEST_CASE("the help of a verb has its essential options, and all of them stand in the table") {
  for (const auto& [verb, verb_name] : verb_names) {
    const std::string name = verb_name;
    CAPTURE(name);
    const std::vector<const Option*> all = options_of(verb);
    const auto essential =
        std::count_if(all.begin(), all.end(),
                      [verb = verb](const Option* option) { return is_essential(*option, verb); });
    CHECK(essential == std::min<std::ptrdiff_t>(std::ssize(all), 15));
  }
}

TEST_CASE("an option sets its own member and no other") {
  Texts texts(3);
  for (const auto& [verb, name] : verb_names) {
    for (const Option* option : options_of(verb)) {
      CAPTURE(option->key);
      Configuration configuration = of(verb);
      REQUIRE(option->setting.read(configuration, texts.admissible(*option)));
      for (const Option* other : options_of(verb)) {
        CAPTURE(other->key);
        const bool same = other->setting.write(configuration) == other->setting.write(of(verb));
        CHECK((same || other == option));
      }
    }
  }
  CHECK(train_with({"--dynamics", "first-order"}).motion == Motion::first_order);
  CHECK(train_with({"--interpolation", "hermite"}).interpolation == Interpolation::hermite);
  CHECK_FALSE(train_with({"--sensitivity-errors", "off"}).sensitivity_errors);
  CHECK_FALSE(train_with({"--corrector", "simultaneous"}).staggered);
  CHECK(read_configuration(verb_analyze, {"--format", "csv"}).analysis_format ==
        AnalysisFormat::csv);
  CHECK(read_configuration(verb_plot, {"--format", "pdf,svg"}).figure_formats ==
        std::vector{FigureFormat::pdf, FigureFormat::svg});
}

TEST_CASE("values are written so that they are read as the same") {
  Texts texts(1);
  for (const Option& option : option_table()) {
    for (int repeat = 0; repeat < 100; ++repeat) {
      const std::string given = texts.admissible(option);
      CAPTURE(option.key);
      CAPTURE(given);
      Configuration configuration;
      REQUIRE(option.setting.read(configuration, given));
      const std::string written = option.setting.write(configuration);
      REQUIRE(option.setting.read(configuration, written));
      CHECK(option.setting.write(configuration) == written);
    }
  }
  CHECK(text_of(train_with({"--period", "2 * pi / 3"}), "period") == "2*pi/3");
  CHECK(text_of(train_with({"--period", "6.283185307179586"}), "period") == "2pi");
  CHECK(text_of(train_with({"--period", "6.28"}), "period") == "6.28");
  CHECK(train_with({"--period", "pi/7"}).period == std::numbers::pi / 7);
  CHECK(text_of(train_with({"--max-time", "1.5m"}), "max-time") == "90");
  CHECK(text_of(train_with({"--rtol", "0.0000010"}), "rtol") == "1e-6");
  CHECK(train_with({"--trajectories", "1e3"}).trajectories == 1000);
  CHECK_FALSE(train_with({"--rtol", "auto"}).rtol);
  CHECK(train_with({"--optimizer", "adam"}).optimizer == OptimizerKind::adam);
}

TEST_CASE("a text that is not admissible is refused with its option and its range") {
  const auto refused = [](const Arguments& arguments) {
    return refusal([&] { static_cast<void>(train_with(arguments)); });
  };
  CHECK(refused({"--dimension", "65"}) ==
        "--dimension 65 is not admissible; give a whole number from 1 to 64");
  CHECK(refused({"--rtol", "1"}) ==
        "--rtol 1 is not admissible; give a number from 1e-15 to 0.1, or auto");
  CHECK(refused({"--seed", "x"}).rfind("--seed x ", 0) == 0);
  CHECK(refused({"--symmetry", "even"}) ==
        "--symmetry even is not admissible; give one of none, odd");
  CHECK(refused({"--hold-range=2,1"}).find("two numbers in increasing order") != std::string::npos);
  const Layer stored{Origin::stored_file, {{"period", "abc"}}, "run.h5"};
  CHECK(refusal([&] {
          static_cast<void>(layered(of(verb_train), stored));
        }).rfind("--period abc, stored in run.h5, is not admissible", 0) == 0);
}

TEST_CASE("the command line wins over the config file, that over what is stored, in any order") {
  std::vector<Layer> layers = {
      {Origin::default_value, {{"memory", "5"}, {"steps", "5"}, {"times", "5"}}, "run.h5"},
      {Origin::stored_file, {{"period", "1"}, {"hidden", "1"}, {"memory", "6"}}, "run.h5"},
      {Origin::config_file, {{"hidden", "2"}, {"rtol", "1e-3"}}, ""},
      {Origin::command_line, {{"rtol", "1e-4"}}, ""}};
  std::vector<int> order = {0, 1, 2, 3};
  do {
    Configuration c = of(verb_train);
    for (const int i : order) c = layered(std::move(c), layers[static_cast<std::size_t>(i)]);
    CHECK(c.rtol == 1e-4);
    CHECK(c.hidden == std::vector<Index>{2});
    CHECK(c.period == 1);
    CHECK(c.memory == 6);
    CHECK(c.steps == 5);
    CHECK(c.times == 201);  // train has no such option
    CHECK(c.given("rtol"));
    CHECK(c.given("hidden"));
    CHECK_FALSE(c.given("period"));
    CHECK_FALSE(c.is_default("period"));
    CHECK(c.is_default("steps"));
    CHECK(origin_in_words(c, "period") == "stored file");
    CHECK(origin_in_words(c, "atol") == "as --rtol");
    CHECK(text_of(c, "atol") == "1e-4");
    CHECK(given_keys(c) == Arguments{"hidden", "rtol"});
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("seeds that are not given follow --seed of the same place") {
  const Configuration both = train_with({"--seed", "6", "--data-seed", "7"});
  CHECK(both.data_seed == 7);
  CHECK(both.weight_seed == 6);
  CHECK_FALSE(both.source("data-seed").follows_seed);
  CHECK(both.source("weight-seed").follows_seed);
  const Layer stored{Origin::stored_file, {{"seed", "1"}, {"data-seed", "2"}}, "run.h5"};
  const Configuration resumed = layered(train_with({"--seed", "9"}), stored);
  CHECK(resumed.data_seed == 9);
  CHECK(layered(of(verb_train), stored).data_seed == 2);
  CHECK(layered(of(verb_train), stored).weight_seed == 1);
}

TEST_CASE("what is stored is read as it was, for every option of every verb") {
  Texts texts(2);
  for (const Verb verb : stored_verbs) {
    for (int repeat = 0; repeat < 40; ++repeat) {
      Layer layer;
      layer.origin = texts.one_in(2) ? Origin::command_line : Origin::config_file;
      for (const std::string& key : reproducing_keys(of(verb))) {
        const std::string text = texts.admissible(*find_option(key, verb));
        if (!text.empty() && texts.one_in(3)) layer.texts[key] = text;
      }
      const Configuration before = layered(of(verb), layer);
      const std::string json = configuration_json(before);
      const Configuration after = stored_configuration(verb, json, "run.h5");
      for (const std::string& key : reproducing_keys(before)) {
        CAPTURE(key);
        CHECK(text_of(after, key) == text_of(before, key));
        const bool is_stored = !text_of(before, key).empty();
        if (is_stored) CHECK(after.is_default(key) == before.is_default(key));
      }
      CHECK(stored_configuration(verb, configuration_json(after), "run.h5").atol == before.atol);
    }
  }
}

TEST_CASE("of a stored run, another verb takes the problem and the force field alone") {
  const Configuration trained = train_with({"--period", "pi", "--hidden", "4", "--rtol", "1e-5"});
  const Configuration stored =
      stored_configuration(verb_train, configuration_json(trained), "run.h5");
  const Configuration taken = with_stored_problem(of(verb_simulate), stored);
  CHECK(taken.period == trained.period);
  CHECK(taken.hidden == trained.hidden);
  CHECK(taken.rtol == Configuration().rtol);
  CHECK_FALSE(stored.is_default("rtol"));
  CHECK(stored.is_default("atol"));
}

TEST_CASE("what follows from other options, where it is not asked for") {
  const auto after = [](const Arguments& arguments) { return resolved(train_with(arguments)); };
  const auto gradient = [&](const Arguments& arguments) {
    const Configuration c = after(arguments);
    return std::string(name(c.gradient)) + " by " + name(c.method);
  };
  CHECK(gradient({}) == "adjoint by adams");
  CHECK(gradient({"--gradient", "discrete"}) == "discrete by rkn8");
  CHECK(gradient({"--gradient", "discrete", "--dynamics", "first-order"}) == "discrete by rk8");
  CHECK(gradient({"--method", "rkn12"}) == "discrete by rkn12");
  CHECK(gradient({"--method", "rk4", "--gradient", "adjoint"}) == "adjoint by rk4");
  CHECK(gradient({"--gradient", "discrete", "--method", "bdf"}) == "discrete by bdf");
  CHECK(gradient({"--optimizer", "least-squares"}) == "discrete by rkn8");
  CHECK(gradient({"--optimizer", "least-squares", "--method", "bdf"}) == "forward by bdf");
  CHECK(gradient({"--optimizer", "least-squares", "--method", "rk8"}) == "discrete by rk8");
  CHECK(gradient({"--optimizer", "least-squares", "--gradient", "forward"}) == "forward by adams");

  CHECK_FALSE(after({}).rtol);
  CHECK(after({}).is_default("rtol"));
  CHECK(after({"--optimizer", "lbfgs"}).rtol == 1e-10);
  CHECK(after({"--atol", "1e-8"}).rtol == 1e-10);
  CHECK(after({"--rtol", "1e-6"}).rtol == 1e-6);
  CHECK(after({"--period-multiple", "1"}).restarts == 20);
  CHECK(after({"--period-multiple", "1", "--restarts", "3"}).restarts == 3);
  CHECK(resolved(read_configuration(verb_sweep, {})).rtol == 1e-10);  // only its runs train
}

TEST_CASE("a resolved configuration stays as it is") {
  for (const Arguments& arguments :
       {Arguments{}, Arguments{"--optimizer", "least-squares"}, Arguments{"--method", "rkn12"},
        Arguments{"--gradient", "discrete"}, Arguments{"--period-multiple", "2"}}) {
    const Configuration once = resolved(train_with(arguments));
    CHECK(configuration_json(resolved(once)) == configuration_json(once));
    const Configuration resumed =
        resolved(stored_configuration(verb_train, configuration_json(once), "run.h5"));
    for (const std::string& key : reproducing_keys(once)) {
      CAPTURE(key);
      CHECK(text_of(resumed, key) == text_of(once, key));
    }
  }
}

TEST_CASE("orbits say how many they are, and prescribed ones their mean period") {
  const Configuration drawn = with_orbits(train_with({"--initial-states", "a.txt"}),
                                          made_of(Loss::prescribed_period, 7, 3));
  CHECK(drawn.trajectories == 7);
  CHECK(drawn.initial_states == "a.txt");
  CHECK(drawn.period == 2 * std::numbers::pi);
  const Configuration law =
      with_orbits(train_with({"--loss", "prescribed-period", "--period-by", "energy"}),
                  made_of(Loss::prescribed_period, 8, 3));
  CHECK(law.trajectories == 4);
  CHECK(law.period == doctest::Approx(3));
}

TEST_CASE("initial states come from the file unless a later option draws them") {
  const Layer stored{Origin::stored_file, {{"initial-states", "a.txt"}}, "run.h5"};
  const auto drawn = [&](const Arguments& arguments) {
    return states_are_drawn(layered(train_with(arguments), stored));
  };
  CHECK(states_are_drawn(of(verb_train)));
  CHECK_FALSE(drawn({}));
  CHECK_FALSE(drawn({"--seed", "3"}));
  CHECK(drawn({"--data-seed", "0"}));
  CHECK(drawn({"--trajectories", "5"}));
  CHECK_FALSE(drawn({"--trajectories", "5", "--initial-states", "b.txt"}));
}

TEST_CASE("a grid varies typed configurations") {
  const auto grid = [](const std::string& lists, Arguments more = {}) {
    more.insert(more.end(), {"--grid", lists});
    return variants(read_configuration(verb_sweep, more));
  };
  const std::vector<Variant> all =
      grid("loss=periodic|antiperiodic symmetry=odd; optimizer=adam rtol=1.0e-9",
           {"--hidden", "4", "--threads", "2"});
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "loss=periodic symmetry=odd");
  CHECK(all[1].name == "loss=antiperiodic symmetry=odd");
  CHECK(all[2].name == "optimizer=adam rtol=1.0e-9");
  CHECK(all[1].configuration.loss == Loss::antiperiodic);
  CHECK(all[1].configuration.symmetry == Symmetry::odd);
  CHECK(all[2].configuration.symmetry == Symmetry::none);
  CHECK(all[2].configuration.optimizer == OptimizerKind::adam);
  CHECK(all[2].configuration.rtol == 1e-9);
  for (const Variant& variant : all) {
    const Configuration& c = variant.configuration;
    CHECK(c.verb == verb_train);
    CHECK(c.hidden == std::vector<Index>{4});
    CHECK(c.threads == 1);
    CHECK(c.given("hidden"));
    const Configuration start = with_seed(c, 9);
    CHECK(start.data_seed == 9);
    CHECK(start.weight_seed == 9);
    CHECK_FALSE(start.source("data-seed").follows_seed);
  }
  REQUIRE(grid("").size() == 1);
  CHECK(grid("").front().name == "as given");
}

TEST_CASE("a grid that cannot be is refused with its word") {
  const auto refused = [](const std::string& lists) {
    return refusal([&] {
      static_cast<void>(variants(read_configuration(verb_sweep, {"--grid", lists})));
    });
  };
  CHECK(refused("loss").rfind("in --grid, 'loss' has no value", 0) == 0);
  CHECK(refused("loss=").rfind("in --grid, 'loss=' has no value", 0) == 0);
  CHECK(refused("loss=none loss=none").find("is given twice") != std::string::npos);
  for (const char* key : {"seed", "data-seed", "weight-seed", "threads", "config", "resume"}) {
    CHECK(refused(std::string(key) + "=1").find("cannot vary") != std::string::npos);
  }
  CHECK(refused("los=periodic") == "option '--los' is unknown; the nearest one is '--loss'");
  CHECK(refused("loss=perodic").rfind("--loss perodic is not admissible", 0) == 0);
}

TEST_CASE("what a sweep was asked for is asked of its runs, also when it goes on") {
  const Configuration asked = read_configuration(verb_sweep, {"--rtol", "1e-10"});
  const Configuration resumed =
      stored_configuration(verb_sweep, configuration_json(asked), "sweep.h5");
  for (const Configuration& sweep : {asked, resumed}) {
    const Configuration run = resolved(variants(sweep).front().configuration);
    CHECK(run.rtol == 1e-10);
    CHECK(run.given("rtol"));
    CHECK_FALSE(run.given("atol"));
  }
  CHECK_FALSE(resolved(variants(of(verb_sweep)).front().configuration).rtol);
}

}  // namespace test_configuration
