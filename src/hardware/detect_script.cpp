#include "macfit/hardware/detect.hpp"

namespace macfit::hardware {

// POSIX sh. Every command may be missing; what it prints then is no section's format.
std::string_view report_script() noexcept {
  return R"sh(LC_ALL=C
PATH="$PATH:/usr/sbin:/sbin:/opt/homebrew/bin:/usr/local/bin:$HOME/.local/bin:$HOME/.lmstudio/bin"
export LC_ALL PATH
part() { printf '\n== macfit %s\n' "$1"; }
app() { defaults read "/Applications/$1.app/Contents/Info" CFBundleShortVersionString 2>/dev/null; }
package() {
  python3 -c "import importlib.metadata as m; print(m.version('$1'))" 2>/dev/null ||
    { uv tool list 2>/dev/null | sed -n "s/^$1 v*//p"; }
}
part uname
uname -sm
part sw_vers
sw_vers 2>/dev/null
part sysctl
for key in hw.model hw.memsize machdep.cpu.brand_string iogpu.wired_limit_mb; do
  sysctl "$key" 2>/dev/null
done
part system_profiler
system_profiler -json SPHardwareDataType SPDisplaysDataType SPThunderboltDataType 2>/dev/null |
  sed -E 's/("(serial_number|platform_UUID|provisioning_UDID|model_number)" : )"[^"]*"/\1""/'
part vm_stat
vm_stat 2>/dev/null
part df
df -k "$HOME" 2>/dev/null
part rdma_ctl
rdma_ctl status 2>/dev/null
part ibv_devices
ibv_devices 2>/dev/null
part ibv_devinfo
ibv_devinfo 2>/dev/null
part runtimes
printf 'mlx-lm: %s\n' "$(package mlx-lm)"
printf 'mlx: %s\n' "$(package mlx)"
printf 'exo: %s\n' "$(app EXO || package exo)"
printf 'llama.cpp: %s\n' "$(llama-server --version 2>&1 | sed -n 's/^version: //p')"
printf 'ollama: %s\n' "$(ollama --version 2>/dev/null | sed -n 's/.*version is //p')"
printf 'lm-studio: %s\n' "$(app 'LM Studio')"
part end
)sh";
}

}  // namespace macfit::hardware
