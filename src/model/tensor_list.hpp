#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "macfit/model/architecture.hpp"
#include "macfit/model/tensors.hpp"

namespace macfit::model {

/// Collects the tensors of one layer under a common path.
class TensorList {
 public:
  /// A module that a converter may quantize.
  void linear(std::string_view path, TensorClass c, std::int64_t rows, std::int64_t columns,
              Cut cut, bool bias = false, std::int64_t stack = 1,
              Quantized quantized = Quantized::base) {
    linear(path, c, rows, columns, cut, bias, stack, quantized, quantized);
  }
  void linear(std::string_view path, TensorClass c, std::int64_t rows, std::int64_t columns,
              Cut cut, bool bias, std::int64_t stack, Quantized quantized, Quantized under_vlm) {
    Tensor& t = add(path, c, rows, columns, cut);
    t.stack = stack;
    t.quantized = quantized;
    t.under_vlm = under_vlm;
    if (bias) {
      // A bias follows its outputs; where the inputs are cut it is added once, after the sum.
      Tensor& b =
          add(std::string(path) + ".bias", c, rows, 1, cut == Cut::columns ? Cut::replicated : cut);
      b.stack = stack;
    }
  }
  /// Never quantized: norms, convolutions, states' parameters.
  Tensor& raw(std::string_view path, TensorClass c, std::int64_t rows, std::int64_t columns = 1,
              Cut cut = Cut::replicated) {
    return add(path, c, rows, columns, cut);
  }

  /// Adds what was added since `first` again until there are `copies` of it: "mlp.1.up_proj".
  void repeat(std::size_t first, std::int64_t copies) {
    const std::size_t last = tensors_.size();
    for (std::int64_t copy = 1; copy < copies; ++copy) {
      for (std::size_t i = first; i < last; ++i) {
        Tensor t = tensors_[i];
        t.name.insert(t.name.find('.') + 1, std::to_string(copy) + ".");
        tensors_.push_back(std::move(t));
      }
    }
  }

  [[nodiscard]] std::size_t size() const { return tensors_.size(); }
  [[nodiscard]] Tensor& at(std::size_t index) { return tensors_[index]; }
  [[nodiscard]] std::vector<Tensor> take() { return std::move(tensors_); }

 private:
  Tensor& add(std::string_view path, TensorClass c, std::int64_t rows, std::int64_t columns,
              Cut cut) {
    Tensor t;
    t.name = path;
    t.tensor_class = c;
    t.rows = rows;
    t.columns = columns;
    t.cut = cut;
    return tensors_.emplace_back(std::move(t));
  }

  std::vector<Tensor> tensors_;
};

/// The mixer's tensors: attention or what stands in its place.
void add_mixer(TensorList& list, std::int64_t hidden, const Block& block);

}  // namespace macfit::model
