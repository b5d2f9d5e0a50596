#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "macfit/calibrate/validation.hpp"
#include "macfit/hardware/catalog.hpp"
#include "macfit/model/catalog.hpp"
#include "macfit/speed/speed.hpp"

namespace macfit::calibrate {

// Published measurements in, constants of the speed model and their honest error out:
// docs/speed.md.

/// One measurement as its source words it. Empty: not stated.
struct MeasuredRow {
  std::string id;
  std::string hardware;  ///< "Mac Studio M3 Ultra 512GB"
  std::string chip;      ///< "M3 Ultra", "M3 Ultra + M5 Max"
  int gpu_cores = 0;
  std::string ram;  ///< GB a node: "128", "256+128", "512/256"
  int nodes = 1;
  std::string link;         ///< "TB5", "none"
  std::string backend;      ///< "JACCL RDMA", "TCP"
  std::string parallelism;  ///< "tensor", "pipeline", "layer", "none"
  std::string runtime;
  std::string model;
  std::string quant;
  std::string context;  ///< "512", "21K", "512p/128g", "short"
  int batch = 1;
  std::string phase;   ///< "decode", "prefill"
  double value = 0.0;  ///< tokens a second, of all sequences
  std::string source;
  std::string date;
  std::string release;  ///< of the runtime, where `runtime` doesn't say it: "0.31.3", "b10050"
  std::string built;    ///< when that was built, "2026-05"; else `date` stands for it
  std::string notes;
  bool usable = true;
  bool own = false;  ///< the user's: outranks published ones
  // Where a tool states them, they go before `context`.
  std::optional<double> cached;
  std::optional<double> prompt;
  std::optional<double> generated;
};

/// What a file of results does not say about itself.
struct RowDefaults {
  std::string model;
  std::string quant;
  std::string machine;  ///< "m4-max-64"
};

/// Reads a file of rows ({"rows": [...]}), llama-bench's JSON (-o json, -o jsonl), what
/// mlx_lm.benchmark prints, or the lines that spike.sh of a launch folder and macfit run write
/// (macfit.spike/1). Throws Error on anything else. Results of the last three are the user's own.
[[nodiscard]] std::vector<MeasuredRow> read_measurements(std::string_view text,
                                                         std::string_view file,
                                                         const RowDefaults& defaults = {});

/// A row as a question to the speed model.
struct Sample {
  std::size_t row = 0;   ///< index into the rows
  std::size_t work = 0;  ///< index into Resolution::works
  bool prefill = false;
  speed::Split split = speed::Split::whole;
  std::vector<speed::Chip> chips;
  std::vector<std::int64_t> layers;
  speed::Link link;
  double cached = 0.0;
  double prompt = 0.0;
  double generated = 1.0;
  double sequences = 1.0;
  double prefill_step = 0.0;  ///< tokens of prompt a pass, where the source says it
  double published = 0.0;
  bool assumed = false;       ///< something was not stated and taken as usual
  std::string source;         ///< rows of one source are siblings
  std::string configuration;  ///< rows of one are near copies
  std::string name_class;     ///< "M3 · mlx · dense · decode · 1 node"
  [[nodiscard]] speed::Figure figure() const {
    const bool nodes = split != speed::Split::whole;
    return prefill ? (nodes ? speed::Figure::prefill_nodes : speed::Figure::prefill)
                   : (nodes ? speed::Figure::decode_nodes : speed::Figure::decode);
  }
  [[nodiscard]] speed::Question question() const;
};

struct Resolution {
  std::vector<MeasuredRow> rows;
  std::vector<speed::Work> works;
  std::vector<Sample> samples;
  std::vector<Skipped> skipped;
};

/// Names, formats, machines and contexts of every usable row looked up. None is dropped in silence.
[[nodiscard]] Resolution resolve_measurements(std::vector<MeasuredRow> rows,
                                              const model::Catalog& models,
                                              const hardware::Catalog& hardware);

/// Tokens a second that the constants predict for a sample.
[[nodiscard]] double predict(const Resolution& resolution, const Sample& sample,
                             const speed::Constants& constants);

/// Constants, their spread, and the residuals of rows whose whole source was left out.
[[nodiscard]] speed::Calibration fit_calibration(const Resolution& resolution);

/// How far a fit that has not seen a row's source is off.
struct SpeedValidation {
  Validation validation;     ///< classes: totals first, then by chip, engine, kind, phase, nodes
  std::size_t totals = 0;    ///< how many of the classes are sums
  std::size_t sources = 0;   ///< each left out once
  std::size_t unusable = 0;  ///< rows that their file marks as not meant for validation
  std::vector<Skipped> doubtful;  ///< predicted, and so far off that the row may be wrong
};

/// The published rows that this library was built with (hardware/measurements*.json).
[[nodiscard]] std::vector<MeasuredRow> stored_measurements();

/// `rows` and those of `others` that are not among them: by id, or by what they say.
[[nodiscard]] std::vector<MeasuredRow> join_measurements(std::vector<MeasuredRow> rows,
                                                         const std::vector<MeasuredRow>& others);

/// Results as rows for others to fit to.
struct SharedRows {
  std::vector<MeasuredRow> rows;
  std::vector<Skipped> skipped;  ///< with the reason; none is dropped in silence
};
/// Rows of the user's own among `rows`, written anew in words of the catalogs and numbers: no text
/// of theirs is copied, so no host, folder or name can come along. Only those that ask the speed
/// model, read back, what the result asked it.
[[nodiscard]] SharedRows share_measurements(std::vector<MeasuredRow> rows,
                                            const model::Catalog& models,
                                            const hardware::Catalog& hardware);
/// A file of rows as read_measurements() reads it (macfit.measurements/1).
[[nodiscard]] std::string write_measurements(const std::vector<MeasuredRow>& rows,
                                             std::string_view about);

/// Predicts the first `judged` rows, each by a fit to all rows of other sources. `held`: constants
/// taken out of the model, to see what they are worth.
[[nodiscard]] SpeedValidation validate_speed(const Resolution& resolution, std::size_t judged,
                                             const std::vector<speed::Constant>& held = {});

}  // namespace macfit::calibrate
