#include "look.hpp"

#include <unistd.h>

#include <fmt/format.h>

#include "clock.hpp"
#include "macfit/core/error.hpp"

namespace macfit::run {
namespace {

constexpr double look_seconds = 60.0;   // for a worker's answer
constexpr double tunnel_seconds = 8.0;  // until ssh has connected
constexpr unsigned pause_us = 200'000;

}  // namespace

void refuse_stranger(const std::string& url, const Answer& answer) {
  if (answer.outcome == Outcome::rejected || answer.outcome == Outcome::garbage ||
      answer.outcome == Outcome::barred) {
    throw Error(fmt::format("{} gives no completion: {}", url, answer.message), {},
                "is the model's name right, and has no other program the port?");
  }
}

std::vector<Outcome> look(Transfers& transfers, const std::vector<WorkerReport>& workers,
                          const std::vector<std::unique_ptr<Tunnel>>& tunnels, const Job& ready,
                          const NightWatch& watch) {
  std::vector<Outcome> outcomes(workers.size(), Outcome::refused);
  const double end = seconds_now() + (tunnels.empty() ? 0.0 : tunnel_seconds);
  std::size_t waiting = 0;
  const auto send = [&](std::size_t worker) {
    transfers.post(worker, workers[worker].url + ready.path, ready.body, look_seconds);
    ++waiting;
  };
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    send(i);
  }
  while (waiting > 0 && watch.wish() == NightWatch::Wish::go_on) {
    for (const auto& tunnel : tunnels) {
      tunnel->keep(seconds_now());
    }
    for (const Transfers::Ended& ended : transfers.wait(tick)) {
      --waiting;
      const Answer answer = judge(ended.exchange, ready.path);
      refuse_stranger(workers[ended.tag].url, answer);
      outcomes[ended.tag] = answer.outcome;
      if (answer.outcome == Outcome::refused && seconds_now() < end) {
        ::usleep(pause_us);
        send(ended.tag);
      }
    }
  }
  transfers.drop();
  return outcomes;
}

}  // namespace macfit::run
