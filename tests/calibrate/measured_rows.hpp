#pragma once

#include <string>
#include <utility>
#include <vector>

#include "macfit/calibrate/calibrate.hpp"

namespace macfit::test {

/// Rows of measurements as a source might word them, against the embedded catalogs.
inline calibrate::Resolution resolve(std::vector<calibrate::MeasuredRow> rows) {
  return calibrate::resolve_measurements(std::move(rows), model::Catalog::embedded(),
                                         hardware::Catalog::embedded());
}

inline calibrate::MeasuredRow row(const char* chip, const char* runtime, const char* model,
                                  const char* quant, const char* context,
                                  const char* phase = "decode") {
  calibrate::MeasuredRow r;
  r.id = "r";
  r.chip = chip;
  r.runtime = runtime;
  r.model = model;
  r.quant = quant;
  r.context = context;
  r.phase = phase;
  r.value = 10;
  r.source = "somebody/somewhere@1234:README.md";
  r.date = "2026-06-01";
  return r;
}

/// The format's name, or why the row is skipped.
inline std::string resolved_format(const char* runtime, const char* model, const char* quant) {
  const calibrate::Resolution r = resolve({row("M4 Max", runtime, model, quant, "512")});
  return r.samples.empty() ? r.skipped.at(0).reason : r.works.at(r.samples[0].work).format;
}

}  // namespace macfit::test
