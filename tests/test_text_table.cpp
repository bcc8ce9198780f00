#include "text_table.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <limits>
#include <random>
#include <thread>

#include "isochron/error.hpp"
#include "sentence.hpp"
#include "temporary_folder.hpp"

namespace test_text_table {

using namespace isochron;

namespace {

#ifdef ISOCHRON_SANITIZE
constexpr int many = 1000;  // tests/fuzz takes a million
#else
constexpr int many = 5000;
#endif

const TextTable pairs{"the pairs", {{"x", "position"}, {"f", "force"}}, "x, f", "; give text"};

Eigen::MatrixXd table_of(const std::string& text, const TextTable& table = pairs) {
  const TemporaryFolder folder;
  put(folder / "t.txt", text);
  return read_text_table(folder / "t.txt", table);
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no InputError";
}

/// That a table is refused, with all these words.
void refuses(const std::string& text, const std::vector<std::string>& words) {
  const std::string message = message_of([&] { static_cast<void>(table_of(text)); });
  for (const std::string& word : words) {
    CHECK_MESSAGE(message.find(word) != std::string::npos, message, " lacks ", word);
  }
}

/// Gives `part` to who reads `path`, again and again, until nobody does.
std::thread endless_writer(const std::string& path, const std::string& part) {
  return std::thread([=] {
    std::string block;
    while (block.size() < (1 << 16)) block += part;
    std::FILE* file = std::fopen(path.c_str(), "w");
    while (std::fwrite(block.data(), 1, block.size(), file) == block.size()) continue;
    std::fclose(file);
  });
}

const Eigen::Matrix2d ordered = (Eigen::Matrix2d() << 1, -3, 2.5, 4e-3).finished();

}  // namespace

TEST_CASE("a table means the same with any separator, line end, mark and comment") {
  for (const char* text : {
           "1 2.5\n-3 4e-3\n",
           "1,2.5\n-3,4e-3",
           "1, 2.5\r\n-3 ,\t4e-3\r\n",
           "1\t2.5\r-3\t4e-3\r",
           "\xef\xbb\xbf"
           "1,2.5\r\n-3,4e-3\r\n",
           "# x f\n\n   1   2.5 # first\n#\n\t\n-3 .4D-2\n",
           "+1. 25E-1\n-3.0 4d-3",
           "\"1\",\"2.5\"\n\"-3\",4e-3\n",
           "1 2.5 \n-3\t4e-3\t\n",
       }) {
    CHECK_MESSAGE(table_of(text) == ordered, text);
  }
}

TEST_CASE("a line of names decides the order of the columns") {
  for (const char* text : {"x,f\n1,2.5\n-3,4e-3", "f x\n2.5 1\n4e-3 -3",
                           "\xef\xbb\xbf\"Force\",\"Position\"\r\n2.5,1\r\n4e-3,-3\r\n",
                           "# a comment\n\nF\tX\n2.5\t1\n4e-3\t-3\n"}) {
    CHECK_MESSAGE(table_of(text) == ordered, text);
  }
  refuses("x,v\n1,2", {"line 1, column 2", "'v' is unknown", "x, f"});
  refuses("x,f,label\n1,2,3", {"line 1, column 3", "'label' is unknown", "x, f"});
  refuses("x,position\n1,2", {"line 1, column 2", "'position'", "there already", "x, f"});
  refuses("x\n1\n", {"line 1", "no column f", "x, f"});
  refuses("x f\n", {"holds no numbers"});
  refuses("1 2\nx f\n", {"line 2, column 1", "'x' is not a number"});
}

TEST_CASE("rows that are not complete are refused with line and column") {
  refuses("1,,2\n3,,4\n", {"line 1, column 2 is empty"});
  refuses("1,2\n,4\n", {"line 2, column 1 is empty"});
  refuses("1,2\n3,\n", {"line 2, column 2 is empty"});
  refuses("1\t2\n\t4\t5\n", {"line 2, column 1 is empty"});
  refuses("1\t\t2\n", {"line 1, column 2 is empty"});
  refuses("1,2\n,,\n", {"line 2, column 1 is empty"});
  refuses("1,\"\"\n", {"line 1, column 2 is empty"});
  refuses("1 2\n# a comment\n3 4 5\n", {"line 3 has 3 columns", "need 2, x, f"});
  refuses("1 2\n3\n", {"line 2 has 1 column;", "need 2, x, f"});
  refuses("1 2 3\n4 5 6\n", {"line 1 has 3 columns", "need 2"});
}

TEST_CASE("what is no finite decimal number is refused with line and column") {
  refuses("1 2\n3 four\n", {"line 2, column 2", "'four' is not a number"});
  for (const char* cell : {"nan", "NaN", "-nan", "inf", "-Infinity", "1e999", "-1D999"}) {
    refuses(std::string("1 2\n") + cell + " 2\n",
            {"line 2, column 1", std::string("'") + cell + "' is not a finite number"});
  }
  for (const char* cell :
       {"0x1p3", "0x10", "1e", "1e+", "--1", "+-1", "1.5.2", "1_0", "1d5d5", ".", "-", "1f",
        "\xe2\x88\x92"
        "1",
        "\"1", "1\""}) {
    refuses(std::string("1 2\n3 ") + cell + "\n", {"line 2, column 2", "is not a number"});
  }
  CHECK(table_of("1e-999 4e-320") == Eigen::Vector2d(0, 4e-320));
  CHECK(table_of("1.7976931348623157e308 5e-324") ==
        Eigen::Vector2d(std::numeric_limits<double>::max(), 5e-324));
}

TEST_CASE("semicolons and decimal commas are named") {
  refuses("1;2\n", {"line 1 has semicolons", "commas, tabs or blanks"});
  refuses("1,5;2,5\n", {"line 1 has semicolons", "point"});
  refuses("1,5 2,5\n", {"line 1, column 2", "'5 2'", "decimals with a point"});
  refuses("1,5\t2,5\n", {"line 1, column 2", "'5\\t2'", "decimals with a point"});
  refuses("1,5,2,5\n", {"line 1 has 4 columns", "decimals need a point"});
}

TEST_CASE("what is no text is refused by its name") {
  using namespace std::string_literals;
  refuses(
      "\xff\xfe"
      "1\0 \0002\0\n\0"s,
      {"UTF-16"});
  refuses(
      "\xfe\xff\0"
      "1\0 \0002\0\n"s,
      {"UTF-16"});
  refuses("1\0 \0002\0\n\0"s, {"zero bytes", "UTF-16"});
  refuses("1 2\n3\0 4\n"s, {"zero bytes"});
  refuses("\x89HDF\r\n\x1a\n\0\0\0"s, {"is HDF5; give text"});
  refuses("\x1b[2J\x07 2\n", {"\\x1b[2J\\x07"});
  refuses("", {"holds no numbers"});
  refuses("\xef\xbb\xbf", {"holds no numbers"});
  refuses("# nothing\n\n", {"holds no numbers"});
}

TEST_CASE("a table is read to its end from a pipe, or not at all") {
  const TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  constexpr long rows = 30000;
  std::thread writer([&] {
    std::FILE* file = std::fopen(pipe.c_str(), "w");
    for (long i = 0; i < rows; ++i) {
      std::fprintf(file, "%ld,0.25\r\n", i);
      if (i % 1000 == 0) std::fflush(file);
    }
    std::fclose(file);
  });
  const Eigen::MatrixXd table = read_text_table(pipe, pairs);
  writer.join();
  REQUIRE(table.cols() == rows);
  CHECK(table.row(0).transpose() == Vector::LinSpaced(rows, 0, rows - 1));
  CHECK((table.row(1).array() == 0.25).all());

  const auto refuses_file = [&](const std::string& path, const std::string& word) {
    const std::string message =
        message_of([&] { static_cast<void>(read_text_table(path, pairs)); });
    CHECK_MESSAGE(message.find(word) != std::string::npos, message);
  };
  refuses_file(folder / "missing", "cannot be read: No such file");
  refuses_file(folder.path(), "cannot be read: Is a directory");
  refuses_file("/proc/self/mem", "cannot be read: Input/output error");
  refuses_file("/dev/zero", "zero bytes");
  refuses_file("/dev/null", "holds no numbers");
}

TEST_CASE("a table without end is refused" * doctest::test_suite("long")) {
  const TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string comment = '#' + std::string(1000, '-') + '\n';
  for (const auto& [part, word] :
       {std::pair{"1 2\n", "more than 10000000 rows"}, std::pair{comment.c_str(), "512 MiB"},
        std::pair{"1 2 ", "line 1 is longer than 1024 KiB"}}) {
    std::thread writer = endless_writer(pipe, part);
    const std::string message =
        message_of([&] { static_cast<void>(read_text_table(pipe, pairs)); });
    writer.join();
    CHECK_MESSAGE(message.find(word) != std::string::npos, message);
  }
  std::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE("random and mutated tables are read or refused") {
  std::mt19937 random(1);
  const auto below = [&](std::size_t n) { return random() % n; };
  const std::string seed = "x,f\r\n1,2.5\n-3e4\t.5 # c\n\"7\" 1D-3\n8;9\n\xef\xbb\xbfnan inf\n";
  for (int k = 0; k < many; ++k) {
    std::string text = k % 2 == 0 ? seed : "1 2\n3 4\n";
    for (std::size_t edits = 1 + below(4); edits > 0 && !text.empty(); --edits) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, below(6)); break;
        case 2: text.insert(at, 1, seed[below(seed.size())]); break;
        default: text.insert(at, text.substr(below(text.size()), 8)); break;
      }
    }
    try {
      const Eigen::MatrixXd table = table_of(text);
      CHECK((table.rows() == 2 && table.cols() > 0 && table.allFinite()));
    } catch (const InputError& error) {
      const std::string message = error.what();
      CHECK(message.find_first_of("\n\r\x1b") == std::string::npos);
      CHECK(message.size() < 1000);
    }
  }
}

TEST_CASE("foreign text is shown on one line, without control, and not too long") {
  CHECK(shown("") == "");
  CHECK(shown("/a b/\xc3\xbc.txt") == "/a b/\xc3\xbc.txt");
  CHECK(shown("a\nb\r\t\x1b[31m\x7f") == "a\\nb\\r\\t\\x1b[31m\\x7f");
  CHECK(shown(std::string(1, '\0')) == "\\x00");
  // Control characters beyond ASCII, what reorders a line, and what is no UTF-8: lone bytes, a
  // truncated character, an overlong form, a surrogate, beyond the last character.
  CHECK(shown("\xc2\x9b"
              "31m") == "\\u009b31m");
  CHECK(shown("\xe2\x80\xae") == "\\u202e");
  CHECK(shown("\x80\xff") == "\\x80\\xff");
  CHECK(shown("\xe2\x82") == "\\xe2\\x82");
  CHECK(shown("\xc0\x8a") == "\\xc0\\x8a");
  CHECK(shown("\xed\xa0\x80") == "\\xed\\xa0\\x80");
  CHECK(shown("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(shown("\xf0\x9f\x98\x80") == "\xf0\x9f\x98\x80");
  CHECK(shown(shown("\x1b\n")) == shown("\x1b\n"));

  const std::string whole(longest_shown, 'x');
  CHECK(shown(whole) == whole);
  const std::string text = shown("begin" + std::string(1000000, 'x') + "end");
  CHECK(text.size() < longest_shown);
  CHECK(text.find("begin") == 0);
  CHECK(text.rfind("end") == text.size() - 3);
  // No character is cut.
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xbc";
  CHECK(shown("a" + umlauts).find('\\') == std::string::npos);
  CHECK(shown(umlauts).find('\\') == std::string::npos);
}

}  // namespace test_text_table
