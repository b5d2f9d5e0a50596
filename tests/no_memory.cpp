// Loaded before the C library by tests/cli/memory.sh: the allocation whose number MACFIT_FAIL_AT
// names, and every one after it, finds no memory. Without it the allocations are counted, and the
// count is said at the end.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);
extern "C" void* __libc_realloc(void* old, std::size_t size);

namespace {

std::atomic<long> made{0};
long fail_at = 0;
bool ready = false;

bool fails() {
  const long number = ++made;
  if (ready && fail_at > 0 && number >= fail_at) {
    errno = ENOMEM;
    return true;
  }
  return false;
}

__attribute__((constructor)) void begin() {
  const char* at = std::getenv("MACFIT_FAIL_AT");
  fail_at = at != nullptr ? std::atol(at) : 0;
  made = 0;
  ready = true;
}

__attribute__((destructor)) void end() {
  if (fail_at == 0) {
    std::fprintf(stderr, "allocations: %ld\n", made.load());
  }
}

}  // namespace

extern "C" void* malloc(std::size_t size) { return fails() ? nullptr : __libc_malloc(size); }
extern "C" void* calloc(std::size_t count, std::size_t size) {
  return fails() ? nullptr : __libc_calloc(count, size);
}
extern "C" void* realloc(void* old, std::size_t size) {
  return fails() ? nullptr : __libc_realloc(old, size);
}
