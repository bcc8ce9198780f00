#include "cli/data_file.hpp"

#include <doctest/doctest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include "isochron/error.hpp"
#include "temporary_folder.hpp"

namespace test_data_file {

using namespace isochron;
using namespace isochron::cli;

namespace {

#ifdef ISOCHRON_SANITIZE
constexpr int many = 1000;  // tests/fuzz takes a million
#else
constexpr int many = 5000;
#endif

constexpr double none = std::numeric_limits<double>::quiet_NaN();

DataColumns on_a_line(const std::string& observe = "") {
  return {Motion::newtonian, 1, parse_observe(observe)};
}
DataColumns first_order(Index dimension, const std::string& observe = "") {
  return {Motion::first_order, dimension, parse_observe(observe)};
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

void says(const std::function<void()>& action, const std::vector<std::string>& words) {
  const std::string message = message_of(action);
  CHECK_MESSAGE(message.find('\n') == std::string::npos, message);
  for (const std::string& word : words) {
    CHECK_MESSAGE(message.find(word) != std::string::npos, message, " lacks ", word);
  }
}

ObservedData data_of(const std::string& text, const DataColumns& columns = on_a_line()) {
  const TemporaryFolder folder;
  put(folder / "f.csv", text);
  return read_observed_data(folder / "f.csv", columns);
}

void refuses(const std::string& text, const std::vector<std::string>& words,
             const DataColumns& columns = on_a_line()) {
  says([&] { static_cast<void>(data_of(text, columns)); }, words);
}

/// Equal, NaN to NaN.
bool same(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a.array() == b.array() || (a.array().isNaN() && b.array().isNaN())).all();
}

void check(const ObservedTrajectory& found, const std::string& name, const Vector& time,
           const States& value) {
  CHECK(found.name == name);
  CHECK(same(found.time, time));
  CHECK(same(found.value, value));
}

/// An HDF5 file of a test. Everything is written from doubles, to any type of numbers.
class File {
 public:
  explicit File(const std::string& name)
      : path_(folder_ / name),
        file_(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    H5Gclose(H5Gcreate2(file_, "d", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  File& put(const std::string& name, std::vector<hsize_t> shape, const std::vector<double>& values,
            hid_t type = H5T_IEEE_F64LE) {
    write(name, shape, type, H5T_NATIVE_DOUBLE, values.data());
    return *this;
  }

  File& put(const std::string& name, const std::vector<std::string>& texts) {
    constexpr std::size_t width = 8;
    std::string bytes;
    for (std::string text : texts) {
      text.resize(width, '\0');
      bytes += text;
    }
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width);
    write(name, {texts.size()}, type, type, bytes.data());
    H5Tclose(type);
    return *this;
  }

  File& put_variable(const std::string& name, const std::vector<const char*>& texts) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    write(name, {texts.size()}, type, type, texts.data());
    H5Tclose(type);
    return *this;
  }

  ObservedData read(const DataColumns& columns, const std::string& object = "/d") {
    close();
    return read_observed_data(path_ + ':' + object, columns);
  }

  void refuses(const std::vector<std::string>& words, const DataColumns& columns = on_a_line(),
               const std::string& object = "/d") {
    says([&] { static_cast<void>(read(columns, object)); }, words);
  }

  const std::string& path() {
    close();
    return path_;
  }

 private:
  void write(const std::string& name, const std::vector<hsize_t>& shape, hid_t file_type,
             hid_t memory_type, const void* values) {
    const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t dataset = H5Dcreate2(file_, ("d/" + name).c_str(), file_type, space, H5P_DEFAULT,
                                     H5P_DEFAULT, H5P_DEFAULT);
    REQUIRE(dataset >= 0);
    REQUIRE(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
    H5Sclose(space);
  }

  void close() {
    if (file_ >= 0) H5Fclose(std::exchange(file_, -1));
  }

  TemporaryFolder folder_;
  std::string path_;
  hid_t file_;
};

}  // namespace

// ------------------------------------------------------------------------------------------- text

TEST_CASE("a text means the same with any separator, line end, mark and order of its columns") {
  const States values{{1, none, 3}, {4, 5, none}};
  for (const char* text : {
           "t,q,v\n0,1,4\n0.5,,5\n2,3,\n",
           "# q: m\nt q v # names\n\n0 1 4\n0.5 nan 5 # gone\n   2 3   NaN\n",
           "t\tq\tv\r\n0\t1\t4\r\n0.5\t\t5\r\n2\t3\t\r\n",
           "\xef\xbb\xbf\"t\",\"v\",\"q\"\r0,4,1\r.5,5,nan\r2,\"\",3",
           "v_1, x1, time\n4, 1, 0\n5, , 5D-1\n,3,2\n",
       }) {
    const ObservedData data = data_of(text);
    CHECK_MESSAGE(data.size() == 1, text);
    check(data.trajectories()[0], "0", Vector{{0, 0.5, 2}}, values);
    CHECK(data.trajectories()[0].error.array().isNaN().all());
  }
}

TEST_CASE("trajectories have any names, and their lines may alternate") {
  const ObservedData data =
      data_of("trajectory,t,q\nrun B,0,1\n7,5,2\nrun B,1,3\n7,6,4\n07,1,1\n07,2,2\n");
  REQUIRE(data.size() == 3);
  check(data.trajectories()[0], "run B", Vector{{0, 1}}, States{{1, 3}, {none, none}});
  check(data.trajectories()[1], "7", Vector{{5, 6}}, States{{2, 4}, {none, none}});
  CHECK(data.trajectories()[2].name == "07");
  CHECK(data.trajectories()[1].places == std::vector<long>{3, 5});
  refuses("trajectory,t,q\na,0,1\n,1,2\n", {"line 3, column 1 (trajectory)", "name", "missing"});
  refuses("trajectory t q\na 0 1\nnan 1 2\n", {"line 3, column 1", "missing"});
}

TEST_CASE("components and their errors are found by their names") {
  const ObservedData plane(
      {data_of("t,q2,v1_error,v1,q_1,q_1_error\n0,2,0.5,3,1,0.1\n1,2,,3,1,0.2\n",
               {Motion::newtonian, 2, {}})});
  check(plane.trajectories()[0], "0", Vector{{0, 1}}, States{{1, 1}, {2, 2}, {3, 3}, {none, none}});
  CHECK(same(plane.trajectories()[0].error,
             States{{0.1, 0.2}, {none, none}, {0.5, none}, {none, none}}));
  const ObservedData single = data_of("t y\n0 1\n1 2\n", first_order(1));
  check(single.trajectories()[0], "0", Vector{{0, 1}}, States{{1, 2}});
  CHECK(same(single.trajectories()[0].value,
             data_of("t y1\n0 1\n1 2\n", first_order(1)).trajectories()[0].value));
}

TEST_CASE("columns that data do not have are refused by name") {
  refuses("t,q,hare\n0,1,2\n",
          {"f.csv, line 1", "column 'hare' is unknown", "newtonian data with --dimension 1",
           "trajectory, t, q, v", "--observe"});
  refuses("t,y1,v\n0,1,2\n", {"'v' is unknown", "first-order", "t, y1..y2"}, first_order(2));
  refuses("t,q1,q3\n0,1,2\n", {"'q3' is unknown", "--dimension 2", "q1..q2, v1..v2"},
          {Motion::newtonian, 2, {}});
  refuses("t,q,q_2\n0,1,2\n", {"'q_2' is unknown"});
  refuses("t,T,q\n0,1,2\n", {"'T' is unknown"});
  refuses("t,q,x\n0,1,2\n", {"'q' and 'x' mean the same"});
  refuses("t,q,time\n0,1,2\n", {"'t' and 'time' mean the same"});
  refuses("t,q,v_error\n0,1,2\n", {"'v_error' needs the column of its values, v"});
  refuses("t,q,E_error\n0,1,2\n", {"'E_error' is unknown"});
  refuses("q,v\n0,1\n", {"line 1", "no column t", "but q, v"});
  refuses("trajectory,t\n0,1\n", {"no column with a component", "q, v"});
  refuses(",t,q\n0,0,1\n", {"line 1: column 1 has no name", "pandas", "index=False"});
  refuses("\tt\tq\n0\t0\t1\n", {"column 1 has no name"});
  refuses("t,q,\n0,1,\n", {"column 3 has no name"});
}

TEST_CASE("cells and lines are refused by line and column") {
  refuses("t,q,v\n0,1,2\n1,abc,2\n", {"line 3, column 2 (q)", "'abc' is not a number", "empty or"});
  refuses("t q v\n0 1 2\n1 NA 2\n", {"line 3, column 2 (q)", "'NA'", "write nan"});
  refuses("t,q\n0,1\n1,inf\n", {"line 3, column 2 (q)", "'inf' is not a finite number"});
  refuses("t,q\n0,1\n1e999,1\n", {"line 3, column 1 (t)", "not a finite number"});
  refuses("t,q\n0,1\n,1\n", {"f.csv, trajectory '0', line 3", "time is missing"});
  refuses("t,q\n0,1\n2,1\n1,1\n", {"line 4", "time 1 follows 2"});
  refuses("trajectory,t,q\na,0,1\nb,0,1\na,1,1\nb,0,2\n",
          {"trajectory 'b', line 5", "0 follows 0"});
  refuses("trajectory,t,q\na,0,1\nb,0,1\na,1,1\n", {"trajectory 'b' has one time"});
  refuses("t,q,q_error\n0,1,1\n1,1,0\n", {"line 3", "standard error of q is 0"});
  refuses("t,q\n0,1\n1,\n", {"no observation after its first time"});
  refuses("t,q\n0,1,2\n", {"line 2 has 3 columns, but 2 are named", "point"});
  refuses("t q v\n0 1\n", {"line 2 has 2 columns, but 3", "write nan"});
  refuses("t q\n0,1\n", {"line 2 has 1 column,"});
  refuses("t;q\n0;1\n", {"line 1 has semicolons"});
  refuses("0,1\n1,2\n", {"line 1: '0' is not the name of a column", "t, q, v"});
  refuses("# t q\n0 1\n", {"line 2: '0' is not the name", "first line without #"});
  refuses("", {"is empty; its first line names the columns"});
  refuses("t,q\n", {"at least one trajectory"});
  says([] { static_cast<void>(read_observed_data("missing.csv", on_a_line())); },
       {"the data file missing.csv cannot be read: No such file"});
}

TEST_CASE("--observe says what other names mean") {
  const ObservedData data =
      data_of("year,lynx,note,hare,hare_error\n1900,4,cold,30,2\n1901,6.1,,47.2,nan\n",
              first_order(2, "hare=y1, lynx = y2,year=t"));
  check(data.trajectories()[0], "0", Vector{{1900, 1901}}, States{{30, 47.2}, {4, 6.1}});
  CHECK(same(data.trajectories()[0].error, States{{2, none}, {none, none}}));
  // The names of data may be exchanged, too.
  check(data_of("t,q,v\n0,1,2\n1,3,4\n", on_a_line("q=v,v=q")).trajectories()[0], "0",
        Vector{{0, 1}}, States{{2, 4}, {1, 3}});

  refuses("t,hare\n0,1\n", {"no column 'hair'", "--observe hair=y1", "t, hare"},
          first_order(2, "hair=y1"));
  refuses("t,hare\n0,1\n", {"--observe hare=y3", "'y3' is no component", "y1..y2"},
          first_order(2, "hare=y3"));
  refuses("t,hare,y1\n0,1,2\n", {"'hare' and 'y1' mean the same"}, first_order(2, "hare=y1"));
  refuses("t,hare\n0,1\n", {"--observe time=t", "no column 'time'"}, on_a_line("time=t,hare=q"));
  says([] { static_cast<void>(parse_observe("hare")); },
       {"--observe hare: 'hare'", "NAME=COMPONENT", "hare=y1,lynx=y2"});
  for (const char* text : {"=y1", "hare=", "hare=y1=y2", "hare=y1,,lynx=y2", "hare=y1,"}) {
    says([&] { static_cast<void>(parse_observe(text)); }, {"NAME=COMPONENT"});
  }
  says([] { static_cast<void>(parse_observe("a=y1,a=y2")); }, {"column 'a' twice"});
  CHECK(parse_observe("").empty());
}

TEST_CASE("the pelts of hares and lynxes") {
  const ObservedData data = read_observed_data(
      std::string(ISOCHRON_EXAMPLE_DATA) + "/hare_lynx.csv", first_order(2, "hare=y1,lynx=y2"));
  REQUIRE(data.size() == 1);
  const ObservedTrajectory& pelts = data.trajectories().front();
  CHECK(pelts.time == Vector::LinSpaced(21, 0, 20));
  CHECK(pelts.value.col(0) == Vector{{30, 4}});
  CHECK(pelts.value.col(20) == Vector{{24.7, 8.6}});
  CHECK(data.observed() == std::vector<Index>{21, 21});
  CHECK(data.without_error() == std::vector<Index>{21, 21});
}

TEST_CASE("a text is read from a pipe, once for all who ask") {
  const TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::thread writer([&] { put(pipe, "t,q\n0,1\n1,2\n"); });
  const ObservedData data = read_observed_data(pipe, on_a_line());
  writer.join();
  const ObservedData again = read_observed_data(pipe, on_a_line());
  check(data.trajectories()[0], "0", Vector{{0, 1}}, States{{1, 2}, {none, none}});
  check(again.trajectories()[0], "0", Vector{{0, 1}}, States{{1, 2}, {none, none}});
}

TEST_CASE("random and mutated texts are read or refused in one line") {
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string seed =
      "trajectory,t,q,v,q_error\n1,0,1,2,.5\r\na,1,,nan,1\n1,2,3,4,# c\na\t3 \"1\"\n";
  for (int k = 0; k < many; ++k) {
    std::string text = seed;
    for (std::size_t edits = 1 + below(4); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, below(6)); break;
        case 2: text.insert(at, 1, seed[below(seed.size())]); break;
        default: text.insert(at, text.substr(below(text.size()), 8)); break;
      }
    }
    const std::string message = message_of([&] { static_cast<void>(data_of(text)); });
    CHECK(message.find_first_of("\n\r\x1b") == std::string::npos);
    CHECK(message.size() < 1000);
  }
}

// ------------------------------------------------------------------------------------------- HDF5

TEST_CASE("columns in a group are read from numbers of any type") {
  for (const hid_t type : {H5T_IEEE_F64LE, H5T_IEEE_F32BE, H5T_STD_I32LE, H5T_STD_U8LE}) {
    File file("f.h5");
    file.put("trajectory", {4}, {3, 3, 5, 5}, type).put("t", {4}, {0, 1, 0, 2}, type);
    file.put("q", {4}, {1, 2, 3, 4}, type).put("v", {4}, {1, none, none, 4}, H5T_IEEE_F32LE);
    const ObservedData data = file.read(on_a_line());
    REQUIRE(data.size() == 2);
    check(data.trajectories()[0], "3", Vector{{0, 1}}, States{{1, 2}, {1, none}});
    check(data.trajectories()[1], "5", Vector{{0, 2}}, States{{3, 4}, {none, 4}});
  }
  File named("f.h5");
  named.put("trajectory", std::vector<std::string>{"a", "lynx", "a", "lynx"});
  named.put("time", {4}, {0, 0, 1, 2})
      .put("q", {4}, {1, 2, 3, 4})
      .put("q_error", {4}, {1, 1, 2, none});
  const ObservedData data = named.read(on_a_line());
  check(data.trajectories()[0], "a", Vector{{0, 1}}, States{{1, 3}, {none, none}});
  CHECK(same(data.trajectories()[0].error, States{{1, 2}, {none, none}}));
  CHECK(data.trajectories()[1].name == "lynx");

  File other("f.h5");
  other.put("t", {2}, {0, 1}).put("hare", {2}, {1, 2}).put("map", {2, 2}, {1, 2, 3, 4});
  check(other.read(first_order(2, "hare=y2")).trajectories()[0], "0", Vector{{0, 1}},
        States{{none, none}, {1, 2}});
}

TEST_CASE("fields of all trajectories are read at their common times") {
  const std::vector<double> count = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  File cube("f.h5");
  cube.put("time", {3}, {0, 0.5, 2}, H5T_IEEE_F32LE).put("q", {2, 3, 2}, count, H5T_STD_I16LE);
  cube.put("energy", {2, 3}, {0, 0, 0, 0, 0, 0});
  const ObservedData plane = cube.read({Motion::newtonian, 2, {}});
  REQUIRE(plane.size() == 2);
  const States empty = States::Constant(2, 3, none);
  States first(4, 3);
  first << Eigen::RowVector3d(0, 2, 4), Eigen::RowVector3d(1, 3, 5), empty;
  check(plane.trajectories()[0], "0", Vector{{0, 0.5, 2}}, first);
  check(plane.trajectories()[1], "1", Vector{{0, 0.5, 2}},
        (States(4, 3) << Eigen::RowVector3d(6, 8, 10), Eigen::RowVector3d(7, 9, 11), empty)
            .finished());

  CHECK(plane.trajectories()[1].places == std::vector<long>{0, 1, 2});

  File line("f.h5");
  line.put("time", {3}, {0, 1, 2}).put("q", {2, 3}, {0, 1, 2, 3, 4, none});
  line.put("v", {2, 3, 1}, {9, 8, 7, 6, 5, 4}).put("q_error", {2, 3}, {1, 1, 1, 2, 2, 2});
  line.put("trajectory", std::vector<std::string>{"a", "b"});
  const ObservedData two = line.read(on_a_line());
  check(two.trajectories()[1], "b", Vector{{0, 1, 2}}, States{{3, 4, none}, {6, 5, 4}});
  CHECK(same(two.trajectories()[1].error, States{{2, 2, 2}, {none, none, none}}));

  File single("f.h5");
  single.put("t", {3}, {0, 1, 2}).put("y", {3, 2}, {0, 1, 2, 3, 4, 5});
  check(single.read(first_order(2)).trajectories()[0], "0", Vector{{0, 1, 2}},
        States{{0, 2, 4}, {1, 3, 5}});
  File renamed("f.h5");
  renamed.put("years", {3}, {0, 1, 2}).put("pelts", {3, 2}, {0, 1, 2, 3, 4, 5});
  check(renamed.read(first_order(2, "years=t,pelts=y")).trajectories()[0], "0", Vector{{0, 1, 2}},
        States{{0, 2, 4}, {1, 3, 5}});
}

TEST_CASE("groups are refused by the name of what is wrong") {
  const auto with = [](const std::function<void(File&)>& fill,
                       const std::vector<std::string>& words,
                       const DataColumns& columns = on_a_line()) {
    File file("f.h5");
    fill(file);
    file.refuses(words, columns);
  };
  const std::vector<double> six = {0, 1, 2, 3, 4, 5};
  with([](File&) {}, {"f.h5:/d: there are no datasets", "t, q, v"});
  with(
      [&](File& f) {
        f.put("t", {2}, {0, 1}).put("q", {3}, {1, 2, 3});
      },
      {"'t' has 2 rows, others have 3"});
  with(
      [&](File& f) {
        f.put("t", {2}, {0, 1}).put("q", {2}, {1, 2}).put("hare", {2}, {1, 2});
      },
      {"f.h5:/d: the column 'hare' is unknown", "--observe"});
  with([&](File& f) { f.put("t", {}, {0}).put("q", {2}, {1, 2}); }, {"'t' has 0 dimensions"});
  with(
      [&](File& f) {
        f.put("t", {3}, {0, 1, 1}).put("q", {3}, {1, 2, 2});
      },
      {"f.h5:/d, trajectory '0', row 2 (counted from 0)", "time 1 follows 1"});
  with(
      [&](File& f) {
        f.put("t", {2}, {0, 1}).put("q", {2}, {1, INFINITY});
      },
      {"row 1", "q is inf"});
  with([&](File& f) { f.put("t", {0}, {}).put("q", {0}, {}); }, {"at least one trajectory"});
  with(
      [&](File& f) {
        f.put("t", {2}, {0, 1}).put("q", std::vector<std::string>{"a", "b"});
      },
      {"q", "does not hold numbers"});
  with(
      [&](File& f) {
        f.put("t", {2}, {0, 1}).put("q", {2}, {1, 2}).put_variable("trajectory", {"a", "b"});
      },
      {"trajectory", "fixed length", "dtype 'S'"});

  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 2}, {0, 1, 2, 3});
      },
      {"'q' has the shape 2 x 2", "2 trajectories at 3 times", "need 2 x 3 x 1"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 3}, six).put("v", {1, 3}, {0, 1, 2});
      },
      {"'v' has the shape 1 x 3", "2 trajectories"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {1, 3, 2}, six);
      },
      {"shape 1 x 3 x 2", "--dimension 1", "1 x 3 x 1"});
  with([&](File& f) { f.put("q", {2, 3}, six); }, {"no dataset time, but q"});
  with(
      [&](File& f) {
        f.put("time", {2, 3}, six).put("q", {2, 3}, six);
      },
      {"times 'time' have the shape 2 x 3", "all trajectories share"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 3}, six).put("x", {2, 3}, six);
      },
      {"q is there twice", "'x'"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {0, 3}, {});
      },
      {"'q' has the shape 0 x 3"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 3}, six).put("trajectory", {3}, {0, 1, 2});
      },
      {"3 names", "2 trajectories"});
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 3}, six);
      },
      {"no column 'hare'", "--observe hare=v"}, on_a_line("hare=v"));
  with(
      [&](File& f) {
        f.put("time", {3}, {0, 1, 2}).put("q", {2, 3, 1}, six);
      },
      {"'q' is unknown", "first-order"}, first_order(1));

  File file("f.h5");
  file.put("t", {2}, {0, 1}).put("q", {2}, {1, 2});
  file.refuses({"'/d/q' in", "is a dataset; give the group"}, on_a_line(), "/d/q");
  file.refuses({"'/e'", "missing"}, on_a_line(), "/e");
  CHECK(file.read(on_a_line(), "/d/").size() == 1);
  says([&] { static_cast<void>(read_observed_data(file.path(), on_a_line())); },
       {"is HDF5; name the group of its data", "f.h5:/run/trajectories"});
  says([&] { static_cast<void>(read_observed_data("no.h5:/d", on_a_line())); },
       {"'no.h5' does not exist"});
}

}  // namespace test_data_file
