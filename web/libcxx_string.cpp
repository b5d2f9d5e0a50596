// The members of std::string at the engine's own level of optimization: Emscripten ships libc++
// compiled for size, where not even a length is inlined, and a plan spends a fifth of its time in
// there. Linked first, these win.

#include <string>

template class std::basic_string<char>;
