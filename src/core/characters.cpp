#include "macfit/core/characters.hpp"

#include <algorithm>
#include <array>

namespace macfit {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

template <std::size_t Size>
bool in(const std::array<Range, Size>& ranges, std::uint32_t code) noexcept {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return code >= range.first && code <= range.last; });
}

// Controls; soft hyphen and other fillers; marks that join, reorder or break; what XML can't hold;
// tags and the supplementary variation selectors.
constexpr std::array<Range, 18> unsafe = {{{0x00, 0x1F},
                                           {0x7F, 0x9F},
                                           {0xAD, 0xAD},
                                           {0x034F, 0x034F},
                                           {0x061C, 0x061C},
                                           {0x115F, 0x1160},
                                           {0x17B4, 0x17B5},
                                           {0x180B, 0x180F},
                                           {0x200B, 0x200F},
                                           {0x2028, 0x202E},
                                           {0x2060, 0x206F},
                                           {0x3164, 0x3164},
                                           {0xFEFF, 0xFEFF},
                                           {0xFFA0, 0xFFA0},
                                           {0xFFF0, 0xFFFB},
                                           {0xFFFE, 0xFFFF},
                                           {0x1D173, 0x1D17A},
                                           {0xE0000, 0xE0FFF}}};

// The common ones; a terminal's own table may differ in a few characters.
constexpr std::array<Range, 7> combining = {{{0x0300, 0x036F},
                                             {0x0483, 0x0489},
                                             {0x0591, 0x05BD},
                                             {0x1AB0, 0x1AFF},
                                             {0x20D0, 0x20FF},
                                             {0xFE00, 0xFE0F},
                                             {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 12> wide = {{{0x1100, 0x115F},
                                         {0x2E80, 0x303E},
                                         {0x3041, 0xA4CF},
                                         {0xA960, 0xA97C},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF01, 0xFF60},
                                         {0xFFE0, 0xFFE6},
                                         {0x1F300, 0x1F64F},
                                         {0x1F680, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};

}  // namespace

std::size_t decode_utf8(std::string_view text, std::size_t at, std::uint32_t& code) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(at);
  std::size_t length = 0;
  std::uint32_t minimum = 0;
  if (first < 0x80) {
    code = first;
    return 1;
  }
  if ((first & 0xE0U) == 0xC0U) {
    length = 2, code = first & 0x1FU, minimum = 0x80;
  } else if ((first & 0xF0U) == 0xE0U) {
    length = 3, code = first & 0x0FU, minimum = 0x800;
  } else if ((first & 0xF8U) == 0xF0U) {
    length = 4, code = first & 0x07U, minimum = 0x10000;
  } else {
    return 0;
  }
  if (at + length > text.size()) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned char next = byte(at + i);
    if ((next & 0xC0U) != 0x80U) {
      return 0;
    }
    code = (code << 6U) | (next & 0x3FU);
  }
  if (code < minimum || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
    return 0;
  }
  return length;
}

bool is_unsafe(std::uint32_t code) noexcept {
  return code < 0x80 ? code < 0x20 || code == 0x7F : in(unsafe, code);
}

std::size_t columns_of(std::uint32_t code) noexcept {
  return code < 0x0300 ? 1 : in(combining, code) ? 0 : in(wide, code) ? 2 : 1;
}

}  // namespace macfit
