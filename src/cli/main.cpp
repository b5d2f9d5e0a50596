#include <csignal>

#include "commands.hpp"

int main(int argc, char** argv) {
  // A reader that goes away is seen as a failed write, not as a signal.
  std::signal(SIGPIPE, SIG_IGN);
  return macfit::cli::run(argc, argv);
}
