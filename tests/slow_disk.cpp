// A slow disk, for the tests: loaded before the C library. Each results file takes a fifth of a second,
// but for those of a sweep's own runs, in OUTPUT.runs.

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

extern "C" int rename(const char* from, const char* to) {
  if (std::strstr(to, ".runs/") == nullptr) usleep(200000);
  return static_cast<int>(syscall(SYS_rename, from, to));
}
