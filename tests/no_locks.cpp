// A file system without locks, for the tests: loaded before the C library.

#include <cerrno>

extern "C" int flock(int /*descriptor*/, int /*operation*/) {
  errno = ENOLCK;
  return -1;
}
