// A disk whose quota is used up, for the tests: loaded before the C library. Files refuse what is
// written into them or, with ISOCHRON_QUOTA=sync, as file systems of a network do, only that it be
// kept.

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace {

bool at_sync() {
  const char* moment = std::getenv("ISOCHRON_QUOTA");
  return moment != nullptr && std::strcmp(moment, "sync") == 0;
}

/// What the tests read of the program goes to files, too.
bool counts(int descriptor) {
  struct stat status {};
  return descriptor > STDERR_FILENO && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

extern "C" ssize_t write(int descriptor, const void* bytes, size_t size) {
  if (!at_sync() && counts(descriptor)) {
    errno = EDQUOT;
    return -1;
  }
  return syscall(SYS_write, descriptor, bytes, size);
}

extern "C" int fsync(int descriptor) {
  if (at_sync() && counts(descriptor)) {
    errno = EDQUOT;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fsync, descriptor));
}
