#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace macfit::study {

/// Works on what `source` gives, on `threads` threads, and hands the results to `sink` in the
/// source's order, whatever the threads do.
///   source: () -> std::optional<Job>, empty at the end
///   make_worker: () -> a callable Job -> Result; one a thread, so it may keep caches
///   sink: (Result&&) -> bool, false to stop
/// Source and sink are each called by one thread at a time, the one while the other waits. At most
/// 2 x threads + 2 jobs are under way or waiting, so memory does not grow with the source. The
/// first exception stops everything and is thrown here.
template <class Source, class MakeWorker, class Sink>
void in_order(std::size_t threads, Source source, MakeWorker make_worker, Sink sink) {
  if (threads <= 1) {
    auto worker = make_worker();
    while (auto job = source()) {
      if (!sink(worker(std::move(*job)))) {
        return;
      }
    }
    return;
  }
  using Handler = decltype(make_worker());
  using Job = typename decltype(source())::value_type;
  using Result = decltype(std::declval<Handler&>()(std::declval<Job&&>()));

  std::mutex reading;  // held while the source is asked, which may take long; locked first
  std::mutex mutex;    // guards what follows; held neither while working nor while writing
  std::condition_variable room;
  const std::uint64_t most = 2 * threads + 2;
  std::uint64_t taken = 0;    // jobs given out
  std::uint64_t written = 0;  // results handed over
  bool ended = false;
  bool writing = false;
  std::map<std::uint64_t, Result> waiting;
  std::exception_ptr failure;

  const auto run = [&] {
    try {
      Handler worker = make_worker();
      while (true) {
        std::unique_lock turn(reading);
        std::unique_lock lock(mutex);
        room.wait(lock, [&] { return ended || taken - written < most; });
        if (ended) {
          return;
        }
        lock.unlock();
        std::optional<Job> job = source();
        lock.lock();
        if (!job) {
          ended = true;
          room.notify_all();
          return;
        }
        const std::uint64_t number = taken++;
        lock.unlock();
        turn.unlock();
        Result result = worker(std::move(*job));
        lock.lock();
        waiting.emplace(number, std::move(result));
        if (writing) {
          continue;  // whoever writes takes it along
        }
        writing = true;
        for (auto next = waiting.find(written); next != waiting.end();
             next = waiting.find(written)) {
          Result ready = std::move(next->second);
          waiting.erase(next);
          lock.unlock();
          const bool more = sink(std::move(ready));
          lock.lock();
          if (!more) {
            ended = true;
            waiting.clear();
            room.notify_all();
            return;  // `writing` stays set: nothing is written any more
          }
          ++written;
          room.notify_all();
        }
        writing = false;
      }
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) {
        failure = std::current_exception();
      }
      ended = true;
      room.notify_all();
    }
  };
  std::vector<std::thread> crew;
  const auto join = [&] {
    for (std::thread& one : crew) {
      one.join();
    }
  };
  try {
    for (std::size_t i = 1; i < threads; ++i) {
      crew.emplace_back(run);
    }
  } catch (const std::system_error&) {
    // Fewer threads than asked for do it too.
  }
  run();
  join();
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace macfit::study
