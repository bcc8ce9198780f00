// A file that is written again: isochron's own part is new, whatever its user has put there stays.

#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <string>

#include "benchmark_results.hpp"
#include "hdf5/file.hpp"
#include "isochron/error.hpp"
#include "isochron/results.hpp"
#include "sweep_results.hpp"
#include "temporary_folder.hpp"

namespace test_rewriting {

namespace fs = std::filesystem;
using namespace isochron;
using hdf5::Handle;

namespace {

/// A run after so many iterations.
Run some_run(long iterations) {
  Run run;
  run.title = "a run of " + std::to_string(iterations) + " iterations";
  run.start_time = "2024-02-29T23:59:59Z";
  run.config = R"({"options": {"loss": "periodic"}})";
  run.environment["cpu"] = "abacus";
  const Mlp network({1, 3, 1});
  run.network = network.architecture();
  run.state.theta = network.initial_parameters(1);
  run.state.theta_initial = network.initial_parameters(static_cast<std::uint64_t>(iterations));
  run.ensemble.initial_states = States::Constant(2, 4, 1.5);
  for (long i = 0; i < iterations; ++i) {
    run.state.history.iteration.push_back(i);
    run.state.history.evaluations.push_back(i);
    run.state.history.integrator_steps.push_back(i);
    run.state.history.loss.push_back(1.0 / static_cast<double>(i + 1));
    run.state.history.gradient_norm.push_back(1);
    run.state.history.step.push_back(1);
    run.state.history.wall_time.push_back(1);
  }
  run.potential = PositionCurve{Vector::LinSpaced(5, 0, 1), Vector::Ones(5), Vector::Ones(5), 0, 1};
  run.state.loss = 1e-9;
  run.verification.loss = 2e-9;
  run.stop_reason = "iteration limit reached";
  return run;
}

/// What is stored of it before it is complete.
Run checkpoint(long iterations) {
  Run run = some_run(iterations);
  run.potential.reset();
  run.verification = {};
  run.stop_reason = "running";
  return run;
}

/// Whether isochron reads there what it would read from a new file, to the last bit.
bool holds(const fs::path& path, const Run& run) {
  for (int attempt = 1;; ++attempt) {  // files know the second of their making
    const bool same = results_image(path, read_results(path)) == results_image(path, run);
    if (same || attempt == 3) return same;
  }
}

/// Opens the file as other programs do, with the newest format when that is wanted.
void edit(const fs::path& path, const std::function<void(hid_t)>& change,
          H5F_libver_t least = H5F_LIBVER_EARLIEST) {
  const hdf5::Session session;
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(access.get(), least, H5F_LIBVER_LATEST);
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()), H5Fclose);
  REQUIRE(file.get() >= 0);
  change(file.get());
}

void look(const fs::path& path, const std::function<void(hid_t)>& check) {
  const hdf5::Session session;
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  REQUIRE(file.get() >= 0);
  check(file.get());
}

Handle scalar() { return {H5Screate(H5S_SCALAR), H5Sclose}; }

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  return type;
}

/// A string of variable length, as h5py writes it.
void put_text(hid_t file, const char* object, const char* name, const char* text) {
  const Handle type = text_type();
  H5Adelete_by_name(file, object, name, H5P_DEFAULT);
  const Handle attribute(H5Acreate_by_name(file, object, name, type.get(), scalar().get(),
                                           H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  REQUIRE(H5Awrite(attribute.get(), type.get(), &text) >= 0);
}

std::string text_of(hid_t file, const char* object, const char* name) {
  const Handle attribute(H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (attribute.get() < 0) return "absent";
  char* text = nullptr;
  REQUIRE(H5Aread(attribute.get(), text_type().get(), &text) >= 0);
  const std::string result = text;
  H5free_memory(text);
  return result;
}

void make_group(hid_t file, const char* path) {
  const Handle group(H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  REQUIRE(group.get() >= 0);
}

void make_number(hid_t file, const char* path, double value) {
  const Handle set(
      H5Dcreate2(file, path, H5T_IEEE_F64BE, scalar().get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      H5Dclose);
  REQUIRE(H5Dwrite(set.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) >= 0);
}

/// An attribute "NAME" of the root that refers to what is at `path`.
void make_reference(hid_t file, const char* name, const char* path) {
  hobj_ref_t reference = 0;
  REQUIRE(H5Rcreate(&reference, file, path, H5R_OBJECT, H5I_INVALID_HID) >= 0);
  const Handle attribute(
      H5Acreate2(file, name, H5T_STD_REF_OBJ, scalar().get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  REQUIRE(H5Awrite(attribute.get(), H5T_STD_REF_OBJ, &reference) >= 0);
}

/// Where it leads.
std::string referred(hid_t file, const char* name) {
  const Handle attribute(H5Aopen(file, name, H5P_DEFAULT), H5Aclose);
  hobj_ref_t reference = 0;
  REQUIRE(H5Aread(attribute.get(), H5T_STD_REF_OBJ, &reference) >= 0);
  const Handle object(H5Rdereference2(file, H5P_DEFAULT, H5R_OBJECT, &reference), H5Oclose);
  if (object.get() < 0) return "nowhere";
  std::array<char, 100> path{};
  H5Iget_name(object.get(), path.data(), path.size());
  return path.data();
}

haddr_t address(hid_t file, const char* path) {
  H5O_info_t info{};
  return H5Oget_info_by_name(file, path, &info, H5P_DEFAULT) < 0 ? HADDR_UNDEF : info.addr;
}

bool is_there(hid_t file, const char* path) { return H5Lexists(file, path, H5P_DEFAULT) > 0; }

/// Everything that people put into files.
void add_foreign_objects(hid_t file) {
  put_text(file, "/", "sample", "batch 7");
  put_text(file, "/", "creator", "isochron");
  put_text(file, "/run", "sample", "of the run");
  put_text(file, "/run/training", "note", "of a group");
  put_text(file, "/run/training/loss", "note", "of a dataset");
  make_group(file, "/notes");
  make_number(file, "/notes/number", 42);
  make_number(file, "/run/data/mass", 43);
  H5Lcreate_soft("/nowhere", file, "/notes/dangling", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_soft("/run/model/theta", file, "/notes/soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_external("none.h5", "/x", file, "/notes/external", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(file, "/run/model/theta", file, "/notes/hard", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(file, "/run/training/loss", file, "/notes/loss", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(file, "/", file, "/notes/loop", H5P_DEFAULT, H5P_DEFAULT);
  const Handle named(H5Tcopy(H5T_NATIVE_INT), H5Tclose);
  REQUIRE(H5Tcommit2(file, "/notes/type", named.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) >= 0);
  const Handle list(H5Tvlen_create(H5T_NATIVE_INT), H5Tclose);
  std::array<int, 3> values = {1, 2, 3};
  const hvl_t varying{values.size(), values.data()};
  const Handle lists(H5Dcreate2(file, "/notes/lists", list.get(), scalar().get(), H5P_DEFAULT,
                                H5P_DEFAULT, H5P_DEFAULT),
                     H5Dclose);
  REQUIRE(H5Dwrite(lists.get(), list.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &varying) >= 0);
  make_reference(file, "to_notes", "/notes/number");
  make_reference(file, "to_theta", "/run/model/theta");
  make_reference(file, "to_run", "/run");
  make_reference(file, "to_loss", "/run/training/loss");
}

void check_foreign_objects(hid_t file) {
  CHECK(text_of(file, "/", "sample") == "batch 7");
  CHECK(text_of(file, "/run", "sample") == "of the run");
  CHECK(text_of(file, "/run/training", "note") == "of a group");
  CHECK(text_of(file, "/run/training/loss", "note") == "of a dataset");
  CHECK(is_there(file, "/notes/dangling"));
  CHECK(is_there(file, "/notes/external"));
  CHECK(is_there(file, "/run/data/mass"));
  CHECK(address(file, "/notes/soft") == address(file, "/run/model/theta"));
  CHECK(address(file, "/notes/hard") == address(file, "/run/model/theta"));
  CHECK(address(file, "/notes/loss") == address(file, "/run/training/loss"));
  CHECK(address(file, "/notes/loop") == address(file, "/"));
  CHECK(is_there(file, "/notes/type"));
  const Handle lists(H5Dopen2(file, "/notes/lists", H5P_DEFAULT), H5Dclose);
  const Handle list(H5Tvlen_create(H5T_NATIVE_INT), H5Tclose);
  hvl_t varying{};
  REQUIRE(H5Dread(lists.get(), list.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &varying) >= 0);
  CHECK(varying.len == 3);
  CHECK(static_cast<int*>(varying.p)[2] == 3);
  H5Dvlen_reclaim(list.get(), scalar().get(), H5P_DEFAULT, &varying);
  CHECK(referred(file, "to_notes") == "/notes/number");
  CHECK(referred(file, "to_run") == "/run");
  CHECK(referred(file, "to_loss") == "/run/training/loss");
}

}  // namespace

TEST_CASE("what users have put into a file stays when its run goes on") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  for (const H5F_libver_t least : {H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST}) {
    write_results(path, some_run(3));
    edit(path, add_foreign_objects, least);
    const FormerFile former(path);
    for (const long iterations : {4, 500}) {
      put(path, results_image(path, checkpoint(iterations), former));
      const Run read = read_results(path);
      CHECK(read.state.history.loss.size() == static_cast<std::size_t>(iterations));
      CHECK(!read.is_verified());
      CHECK(!read.potential);
      CHECK(holds(path, checkpoint(iterations)));
      look(path, check_foreign_objects);
    }
    put(path, results_image(path, some_run(700), former));
    CHECK(holds(path, some_run(700)));
    const Run read = read_results(path);
    CHECK(read.title == "a run of 700 iterations");
    CHECK(read.state.history.loss.size() == 700);
    CHECK(read.verification.loss == 2e-9);
    CHECK(read.potential);
    look(path, check_foreign_objects);
    look(path, [](hid_t file) { CHECK(referred(file, "to_theta") == "/run/model/theta"); });
  }
}

TEST_CASE("an analysis changes nothing else, whatever the file holds") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  write_results(path, some_run(3));
  edit(path, add_foreign_objects);
  haddr_t loss = 0;
  look(path, [&](hid_t file) { loss = address(file, "/run/training/loss"); });
  for (const Isochrony verdict : {Isochrony::harmonic, Isochrony::not_converged}) {
    Certificate certificate;
    certificate.verdict = verdict;
    write_analysis(path, certificate);
    CHECK(read_results(path).certificate->verdict == verdict);
    look(path, check_foreign_objects);
    look(path, [&](hid_t file) { CHECK(address(file, "/run/training/loss") == loss); });
  }
}

TEST_CASE("a part that a checkpoint lacks is set aside when something foreign is in it") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  write_results(path, some_run(3));
  edit(path, [](hid_t file) { make_number(file, "/run/potential/mine", 7); });
  const FormerFile former(path);
  put(path, results_image(path, checkpoint(4), former));
  CHECK(!read_results(path).potential);
  look(path, [](hid_t file) { CHECK(is_there(file, "/run/former_potential/mine")); });
  put(path, results_image(path, some_run(5), former));
  CHECK(read_results(path).potential);
  look(path, [](hid_t file) {
    CHECK(is_there(file, "/run/potential/mine"));
    CHECK(!is_there(file, "/run/former_potential"));
  });
}

TEST_CASE("a link in the place of something of isochron's gives way, what it leads to stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  write_results(path, some_run(3));
  edit(path, [](hid_t file) {
    make_group(file, "/archive");
    H5Lmove(file, "/run/training", file, "/archive/training", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/archive/training", file, "/run/training", H5P_DEFAULT, H5P_DEFAULT);
  });
  write_results(path, some_run(9), Existing::kept);
  CHECK(read_results(path).state.history.loss.size() == 9);
  CHECK(read_matrix(path, "/archive/training/loss").size() == 3);
}

TEST_CASE(
    "without foreign objects a file is written afresh; with them it grows by its gaps alone") {
  const TemporaryFolder folder;
  write_results(folder / "fresh.h5", some_run(500));
  write_results(folder / "run.h5", some_run(3));
  write_results(folder / "run.h5", some_run(500), Existing::kept);
  CHECK(fs::file_size(folder / "run.h5") == fs::file_size(folder / "fresh.h5"));

  edit(folder / "run.h5", add_foreign_objects);
  const auto size = fs::file_size(folder / "run.h5");
  for (long k = 1; k <= 50; ++k) {
    const long iterations = 450 + 2 * k;
    write_results(folder / "run.h5", k % 2 == 0 ? some_run(iterations) : checkpoint(iterations),
                  Existing::kept);
  }
  CHECK(holds(folder / "run.h5", some_run(550)));
  constexpr std::uintmax_t gaps = 40000;
  CHECK(fs::file_size(folder / "run.h5") < size + 50 * gaps);
}

TEST_CASE("a user block in front of a file stays") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run.h5";
  write_results(folder / "plain.h5", some_run(3));
  {
    const hdf5::Session session;
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_userblock(creation.get(), 512);
    const Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), H5P_DEFAULT),
                      H5Fclose);
    const Handle plain(H5Fopen((folder / "plain.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT),
                       H5Fclose);
    REQUIRE(H5Ocopy(plain.get(), "/run", file.get(), "/run", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    put_text(file.get(), "/", "creator", "isochron");
    put_text(file.get(), "/", "default", "run");
    const int version = 1;
    const Handle attribute(H5Acreate2(file.get(), "schema_version", H5T_NATIVE_INT, scalar().get(),
                                      H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
    H5Awrite(attribute.get(), H5T_NATIVE_INT, &version);
  }
  std::string bytes = contents(path);
  bytes.replace(0, 4, "mine");
  put(path, bytes);
  write_results(path, some_run(50), Existing::kept);
  CHECK(contents(path).substr(0, 4) == "mine");
  CHECK(read_results(path).state.history.loss.size() == 50);
}

TEST_CASE("benchmarks and sweeps keep what is foreign, too") {
  const TemporaryFolder folder;
  write_results(folder / "run.h5", some_run(3));
  edit(folder / "run.h5", add_foreign_objects);
  BenchmarkResults benchmark;
  benchmark.title = "measured";
  BenchmarkPoint point;
  point.status = point.axis = point.method = point.integrator = point.task = point.start = "ok";
  for (int points = 1; points <= 3; ++points) {
    benchmark.points.push_back(point);
    write_benchmark(folder / "run.h5", benchmark);
    CHECK(read_benchmark(folder / "run.h5").points.size() == static_cast<std::size_t>(points));
    CHECK(read_results(folder / "run.h5").state.history.loss.size() == 3);
    look(folder / "run.h5", check_foreign_objects);
  }

  SweepResults sweep;
  SweepConfiguration configuration;
  configuration.name = "as given";
  configuration.network = {{1, 3, 1}};
  sweep.configurations.push_back(configuration);
  SweepRun run;
  run.status = "ok";
  sweep.runs.push_back(run);
  write_sweep(folder / "sweep.h5", sweep);
  edit(folder / "sweep.h5", [](hid_t file) {
    put_text(file, "/sweep", "sample", "batch 8");
    make_number(file, "/mine", 1);
  });
  const FormerFile former(folder / "sweep.h5");
  run.run = 1;
  sweep.runs.push_back(run);
  put(folder / "sweep.h5", sweep_image(folder / "sweep.h5", sweep, former));
  CHECK(read_sweep(folder / "sweep.h5").runs.size() == 2);
  look(folder / "sweep.h5", [](hid_t file) {
    CHECK(text_of(file, "/sweep", "sample") == "batch 8");
    CHECK(is_there(file, "/mine"));
  });
}

}  // namespace test_rewriting
