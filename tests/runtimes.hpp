#pragma once

#include "macfit/runtime/catalog.hpp"

namespace macfit::test {

/// The newest release of each runtime that was built in.
inline const runtime::Runtime& mlx_lm() { return runtime::Catalog::embedded().get("mlx-lm"); }
inline const runtime::Runtime& exo() { return runtime::Catalog::embedded().get("exo"); }
inline const runtime::Runtime& llama_cpp() { return runtime::Catalog::embedded().get("llama.cpp"); }

}  // namespace macfit::test
