#include "macfit/runtime/workload.hpp"

#include <array>
#include <vector>

#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::runtime {
namespace {

struct Name {
  KvFormat format;
  std::string_view name;
  std::string_view alias;
};

constexpr std::array<Name, 8> names = {{{KvFormat::bf16, "bf16", "f16"},
                                        {KvFormat::f32, "f32", "fp32"},
                                        {KvFormat::q8, "q8", "q8_0"},
                                        {KvFormat::q5_1, "q5_1", "q5_1"},
                                        {KvFormat::q5_0, "q5_0", "q5_0"},
                                        {KvFormat::q4_1, "q4_1", "q4_1"},
                                        {KvFormat::q4, "q4", "q4_0"},
                                        {KvFormat::iq4_nl, "iq4_nl", "iq4_nl"}}};
static_assert(names.size() == static_cast<std::size_t>(KvFormat::iq4_nl) + 1);

}  // namespace

std::string_view kv_format_name(KvFormat format) noexcept {
  return names.at(static_cast<std::size_t>(format)).name;
}

KvFormat parse_kv_format(std::string_view name) {
  std::vector<std::string> known;
  for (const Name& entry : names) {
    if (same_name(name, entry.name) || same_name(name, entry.alias)) {
      return entry.format;
    }
    known.emplace_back(entry.name);
  }
  throw unknown_name("cache format", name, known, {}, "known are " + join_words(known));
}

}  // namespace macfit::runtime
