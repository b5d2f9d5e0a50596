#include "macfit/core/error.hpp"

#include "macfit/core/text.hpp"

namespace macfit {
namespace {

std::string compose(const std::string& message, const Place& place, const std::string& hint) {
  std::string text;
  if (!place.file.empty()) {
    text += printable(place.file);
    text += ": ";
  }
  if (place.pointer) {
    text += "at ";
    text += place.pointer->empty() ? "the top" : printable(*place.pointer);
    text += ": ";
  }
  if (place.offset) {
    text += "byte " + std::to_string(*place.offset) + ": ";
  }
  text += message;
  if (!hint.empty()) {
    text += " (" + hint + ")";
  }
  return text;
}

}  // namespace

Error::Error(std::string message, Place place, std::string hint)
    : message_(std::move(message)),
      place_(std::move(place)),
      hint_(std::move(hint)),
      text_(compose(message_, place_, hint_)) {}

Error Error::in_file(std::string_view file) const {
  Place place = place_;
  if (place.file.empty()) {
    place.file = std::string(file);
  }
  return Error(message_, std::move(place), hint_);
}

Error unknown_name(std::string_view kind, std::string_view name,
                   const std::vector<std::string>& known, Place place, std::string_view more) {
  std::string message = "unknown ";
  message += kind;
  message += " \"" + printable(name) + "\"";
  std::string hint;
  const std::vector<std::string> near = nearest(name, known, 3);
  if (!near.empty()) {
    hint = "did you mean ";
    for (std::size_t i = 0; i < near.size(); ++i) {
      hint += i == 0 ? "" : (i + 1 == near.size() ? " or " : ", ");
      hint += near[i];
    }
    hint += "?";
  }
  if (!more.empty()) {
    hint += hint.empty() ? "" : " ";
    hint += more;
  }
  return Error(std::move(message), std::move(place), std::move(hint));
}

}  // namespace macfit
