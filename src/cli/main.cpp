#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#include "commands.hpp"
#include "unfinished.hpp"

// Before what runs ahead of main, so that lack of memory has its word there too.
__attribute__((constructor(101))) static void begin() { macfit::cli::tidy_at_the_end(); }

int main(int argc, char** argv) {
  // A stream that came closed would lend its number to the first file opened, and what is said on
  // standard error would end up in a report.
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) == -1) {
      (void)::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
  // A reader that goes away is seen as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  return macfit::cli::run(argc, argv);
}
