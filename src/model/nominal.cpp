// Sizes as names: "230b-q4", "400b-a17b-q8", "215gb".

#include "macfit/model/nominal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string_view>

#include "macfit/core/characters.hpp"
#include "macfit/core/error.hpp"
#include "macfit/core/text.hpp"

namespace macfit::model {
namespace {

constexpr std::int64_t smallest = 1'000'000;
constexpr std::int64_t greatest = 100'000'000'000'000;  // times 32 bits, still exact in a double

struct Unit {
  std::string_view name;
  std::int64_t size;
  bool bytes;
};
// Those that end in another one's name stand before it.
constexpr std::array<Unit, 9> units = {{{"gib", gib, true},
                                        {"tib", gib * 1024, true},
                                        {"mib", mib, true},
                                        {"gb", gb, true},
                                        {"tb", gb * 1000, true},
                                        {"mb", gb / 1000, true},
                                        {"m", 1'000'000, false},
                                        {"b", gb, false},
                                        {"t", gb * 1000, false}}};

const Unit* unit_of(std::string_view size) noexcept {
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) {
    return size.size() > u.name.size() &&
           size.compare(size.size() - u.name.size(), u.name.size(), u.name) == 0;
  });
  return unit == units.end() ? nullptr : &*unit;
}

/// "a17b": what may follow the size.
bool is_active(std::string_view part) noexcept {
  return part.size() > 1 && part[0] == 'a' && (is_digit(part[1]) || part[1] == '.');
}

class SizeParser {
 public:
  explicit SizeParser(std::string_view name)
      : text_(lower(trim(name))), parts_(split(text_, '-')) {}

  [[nodiscard]] NominalName parse() const {
    if (text_.empty()) {
      fail("it is empty");
    }
    if (text_[0] == '-' || text_[0] == '+') {
      fail("a size has no sign");
    }
    if (is_active(parts_[0])) {
      fail("active parameters need the total before them, as in 400b-" + std::string(parts_[0]));
    }
    NominalName result;
    result.text = text_;
    const Unit& unit = read_size(parts_[0], result);
    std::size_t next = 1;
    if (parts_.size() > next && is_active(parts_[next])) {
      result.active_parameters = read_active(parts_[next++]);
    }
    if (parts_.size() > next) {
      // A format's own name may hold dashes: "mlx-4bit-g64".
      result.recipe = read_recipe(std::string_view(text_).substr(
          static_cast<std::size_t>(parts_[next].data() - text_.data())));
    }
    if (!unit.bytes && result.active_parameters > result.parameters) {
      fail(format_parameters(result.active_parameters) + " active parameters of " +
           format_parameters(result.parameters) + " in all");
    }
    if (!unit.bytes && result.active_parameters == result.parameters) {
      result.active_parameters = 0;
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("\"" + printable(text_, 80) + "\" is not a model's size: " + problem, {},
                "sizes are written like 230b-q4, 400b-a17b-q8, 70b-4.5bpw, 1.5t or 215gb");
  }

  const Unit& read_size(std::string_view part, NominalName& result) const {
    const Unit* const unit = unit_of(part);
    if (unit == nullptr) {
      fail("expected a number with b or t for parameters, or with GB for weights, first");
    }
    const std::int64_t amount = number(part, *unit);
    if (unit->bytes) {
      result.weights = Bytes(amount);
    } else {
      result.parameters = amount;
    }
    return *unit;
  }

  [[nodiscard]] std::int64_t read_active(std::string_view part) const {
    part.remove_prefix(1);
    const Unit* const unit = unit_of(part);
    if (unit == nullptr || unit->bytes) {
      fail("expected active parameters like a17b, found \"a" + printable(part) + "\"");
    }
    return number(part, *unit);
  }

  [[nodiscard]] Recipe read_recipe(std::string_view part) const {
    if (part.empty()) {
      fail("expected a format after the last \"-\"");
    }
    try {
      return parse_recipe(part);
    } catch (const Error& error) {
      const std::string more = error.hint().empty() ? "" : error.hint() + " ";
      throw Error(error.message(), error.place(),
                  more + "in \"" + printable(text_, 80) +
                      "\": after a size stands a format such as q4, 4.5bpw or mxfp4");
    }
  }

  /// Digits as a number; beyond `greatest` any that is larger still.
  [[nodiscard]] static std::int64_t capped(std::string_view digits) {
    std::int64_t sum = 0;
    for (const char c : digits) {
      if (sum > greatest) {
        break;
      }
      sum = sum * 10 + (c - '0');
    }
    return sum;
  }

  [[noreturn]] void too_small(std::int64_t amount, const Unit& unit) const {
    fail(amount == 0  ? "expected more than 0"
         : unit.bytes ? "expected 1 MB or more"
                      : "expected 1m parameters or more");
  }

  /// "1.5" of "1.5t", without going through a floating-point number.
  [[nodiscard]] std::int64_t number(std::string_view part, const Unit& unit) const {
    const std::string_view digits = trim(part.substr(0, part.size() - unit.name.size()));
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::string_view whole = digits.substr(0, point);
    std::string_view fraction =
        point < digits.size() ? digits.substr(point + 1) : digits.substr(point);
    while (!fraction.empty() && fraction.back() == '0') {
      fraction.remove_suffix(1);
    }
    const auto plain = [](std::string_view t) { return std::all_of(t.begin(), t.end(), is_digit); };
    if (!plain(whole) || !plain(fraction) || digits.find_first_of("0123456789") == digits.npos) {
      fail("\"" + printable(digits, 40) + "\" is not a plain number such as 230 or 1.5");
    }
    const std::int64_t limit = unit.bytes ? greatest * 4 : greatest;
    if (capped(whole) > limit / unit.size) {
      fail("more than " + (unit.bytes ? format_gb(Bytes(limit)) : "100,000B parameters"));
    }
    std::int64_t amount = capped(whole) * unit.size;
    std::int64_t step = unit.size;
    double digit = 1.0;
    double rest = 0.0;  // what a digit of a binary unit is worth may be no whole number
    for (const char c : fraction) {
      digit /= 10.0;
      if (step % 10 == 0) {
        step /= 10;
        amount += step * (c - '0');
      } else if (unit.bytes) {
        rest += digit * static_cast<double>(unit.size) * (c - '0');
        step = 1;
      } else {
        fail("\"" + printable(digits, 40) + "\" is no whole number of parameters");
      }
    }
    amount += std::llround(rest);
    if (amount < smallest) {
      too_small(amount, unit);
    }
    return std::min(amount, limit);
  }

  std::string text_;
  std::vector<std::string_view> parts_;
};

}  // namespace

namespace {

/// What may stand in the number of a size, a wrong one included.
bool in_number(char c) {
  constexpr std::string_view others = ".,_e+ ";
  return is_digit(c) || others.find(c) != std::string_view::npos;
}

}  // namespace

bool looks_nominal(std::string_view name) noexcept {
  std::array<char, 32> text{};
  name = trim(name);
  if (!name.empty() && (name[0] == '-' || name[0] == '+')) {
    name.remove_prefix(1);
  }
  name = name.substr(0, name.find('-'));
  if (name.size() > text.size()) {
    return false;
  }
  std::transform(name.begin(), name.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  std::string_view size(text.data(), name.size());
  if (is_active(size)) {
    size.remove_prefix(1);
  }
  const Unit* const unit = unit_of(size);
  if (unit == nullptr || !(is_digit(size[0]) || size[0] == '.')) {
    return false;
  }
  size.remove_suffix(unit->name.size());
  return std::all_of(size.begin(), size.end(), in_number);
}

NominalName parse_nominal(std::string_view name) { return SizeParser(name).parse(); }

}  // namespace macfit::model
