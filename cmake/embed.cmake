# cmake -DLIST=files.cmake -DOUTPUT=embedded.cpp -P embed.cmake
# Writes the definitions of macfit/core/embedded.hpp: every listed file as a raw string literal, and what tells this
# state of the catalogs from any other.

include("${LIST}")
set(delimiter "macfit_json")
set(digests)

file(WRITE "${OUTPUT}.new" [==[
#include "macfit/core/embedded.hpp"

#include <cstddef>
#include <string_view>

namespace macfit::embedded {

using std::string_view_literals::operator""sv;
]==])

foreach(catalog models hardware runtimes)
  string(REGEX REPLACE "s$" "" singular "${catalog}")
  list(LENGTH ${catalog}_files count)
  set(array "extern const File ${singular}_files[] = {\n")
  file(APPEND "${OUTPUT}.new" "\n${array}")
  foreach(path IN LISTS ${catalog}_files)
    get_filename_component(name "${path}" NAME)
    file(READ "${path}" text)
    string(FIND "${text}" ")${delimiter}\"" clash)
    if(NOT clash EQUAL -1)
      message(FATAL_ERROR "${path}: holds )${delimiter}\", which ends the literal that embeds it")
    endif()
    string(SHA256 digest "${text}")
    string(APPEND digests "${catalog}/${name} ${digest}\n")
    file(APPEND "${OUTPUT}.new" "    {\"${name}\"sv, R\"${delimiter}(")
    file(APPEND "${OUTPUT}.new" "${text}")
    file(APPEND "${OUTPUT}.new" ")${delimiter}\"sv},\n")
  endforeach()
  if(count EQUAL 0)
    file(APPEND "${OUTPUT}.new" "    {},\n")
  endif()
  file(APPEND "${OUTPUT}.new" "};\nextern const std::size_t ${singular}_file_count = ${count};\n")
endforeach()

string(SHA256 version "${digests}")
string(SUBSTRING "${version}" 0 12 version)
file(APPEND "${OUTPUT}.new" "\nextern const std::string_view version = \"${version}\"sv;\n")
file(APPEND "${OUTPUT}.new" "\n}  // namespace macfit::embedded\n")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
