#define ISOCHRON_KERNEL template
#include "dense_kernels.hpp"
