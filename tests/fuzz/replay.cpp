// Stands in for libFuzzer where the compiler has none: no coverage, but the same inputs and the
// same changes.
//
//   TARGET [FILE OR FOLDER ..] [-runs=N] [-max_total_time=SECONDS] [-seed=S]
//          [-max_len=BYTES]
//
// takes each file, and then N changes of them at random, or as many as there is time for. An input
// that ends the process, or takes more than a minute, is kept as crash-input in the current folder.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "target.hpp"

// Defined by a target that knows better than to change any byte; and by sanitizers.
#pragma weak LLVMFuzzerCustomMutator
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#pragma weak __sanitizer_set_death_callback
extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=2048"; }

namespace {

using Input = std::vector<std::uint8_t>;

std::mt19937 random_numbers;
Input current;

void keep_current() {
  const int file = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const char* words = "the input is kept as crash-input\n";
  const bool kept = file >= 0 && write(file, current.data(), current.size()) ==
                                     static_cast<ssize_t>(current.size());
  if (kept) static_cast<void>(!write(STDERR_FILENO, words, std::strlen(words)));
}

void end(int signal) {
  keep_current();
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void take(const Input& input) {
  current = input;
  constexpr unsigned longest = 60;
  alarm(longest);
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

void add(std::vector<Input>& inputs, const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    std::vector<std::filesystem::path> entries(std::filesystem::directory_iterator(path), {});
    std::sort(entries.begin(), entries.end());
    for (const auto& entry : entries) add(inputs, entry);
    return;
  }
  std::ifstream file(path, std::ios::binary);
  inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

Input changed(Input input, std::size_t longest) {
  std::size_t size = std::min(input.size(), longest);
  input.resize(longest);
  size = LLVMFuzzerCustomMutator != nullptr
             ? LLVMFuzzerCustomMutator(input.data(), size, longest, random_numbers())
             : LLVMFuzzerMutate(input.data(), size, longest);
  input.resize(size);
  return input;
}

}  // namespace

/// A few bytes change, come or go, or a piece stands elsewhere, too.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most) {
  const auto below = [](std::size_t n) { return n < 2 ? 0 : random_numbers() % n; };
  constexpr std::string_view marks = ",;\t\n\r #\"'=:/.-+0123456789eEnaif\\\xff\xef\xbb\xbf";
  for (std::size_t times = 1 + below(4); times > 0; --times) {
    const std::size_t at = below(size);
    const std::size_t length = std::min(1 + below(below(4) == 0 ? 64 : 4), size - at);
    switch (below(size == 0 ? 1 : 5)) {
      case 0: {
        if (size >= most) break;
        std::memmove(data + at + 1, data + at, size - at);
        data[at] = static_cast<std::uint8_t>(marks[below(marks.size())]);
        ++size;
        break;
      }
      case 1: data[at] ^= static_cast<std::uint8_t>(1U << below(8)); break;
      case 2: data[at] = static_cast<std::uint8_t>(random_numbers()); break;
      case 3: {
        std::memmove(data + at, data + at + length, size - at - length);
        size -= length;
        break;
      }
      default: {
        const std::size_t to = below(size);
        if (size + length > most) break;
        const Input piece(data + at, data + at + length);
        std::memmove(data + to + length, data + to, size - to);
        std::copy(piece.begin(), piece.end(), data + to);
        size += length;
      }
    }
  }
  return size;
}

int main(int argc, char** argv) {
  long runs = 0;
  double seconds = std::numeric_limits<double>::infinity();
  std::size_t longest = std::size_t{1} << 16U;
  std::vector<Input> inputs;
  const auto number_after = [](std::string_view word, std::string_view name) {
    return word.substr(0, name.size()) == name ? std::atol(word.data() + name.size()) : -1;
  };
  for (const char* word : std::vector<const char*>(argv + 1, argv + argc)) {
    if (const long n = number_after(word, "-runs="); n >= 0) {
      runs = n;
    } else if (const long time = number_after(word, "-max_total_time="); time > 0) {
      seconds = static_cast<double>(time);
    } else if (const long s = number_after(word, "-seed="); s >= 0) {
      random_numbers.seed(static_cast<unsigned>(s));
    } else if (const long most = number_after(word, "-max_len="); most > 0) {
      longest = static_cast<std::size_t>(most);
    } else if (word[0] != '-') {
      add(inputs, word);
    }
  }
  for (const int signal : {SIGABRT, SIGALRM}) std::signal(signal, end);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(keep_current);
  } else {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, end);
  }

  const auto start = std::chrono::steady_clock::now();
  const auto spent = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  for (const Input& input : inputs) take(input);
  if (inputs.empty()) inputs.emplace_back();
  // Changes are changed again now and then, so that they add up.
  Input last = inputs.front();
  long run = 0;
  for (; run < runs && spent() < seconds; ++run) {
    const bool goes_on = random_numbers() % 3 == 0;
    last = changed(goes_on ? last : inputs[random_numbers() % inputs.size()], longest);
    take(last);
  }
  std::fprintf(stderr, "%zu inputs and %ld changes of them, %.0f s, no fault\n", inputs.size(), run,
               spent());
  return 0;
}
