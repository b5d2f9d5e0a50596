#include "macfit/runtime/failure_modes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace macfit::runtime {
namespace {

constexpr std::uint8_t bit(Id id) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(id));
}
constexpr std::uint8_t mlx_lm = bit(Id::mlx_lm);
constexpr std::uint8_t mlx = mlx_lm | bit(Id::exo);
constexpr std::uint8_t exo_only = bit(Id::exo);
constexpr std::uint8_t llama = bit(Id::llama_cpp);
constexpr std::uint8_t every = mlx | llama;

// Sources are issues of the projects' own trackers, or their code: docs/troubleshooting.md.
constexpr auto table = std::to_array<FailureMode>({
    {"bridge-active", mlx,
     "\"Changing queue pair to RTR failed with errno 22\" when a JACCL group starts",
     "the Thunderbolt bridge is up, or the port has no IPv4 address and so no IPv4-mapped GID",
     "sudo ifconfig bridge0 down, then an address on every Thunderbolt port (addresses.sh)",
     "mlx#3412, mlx#4191"},
    {"bridge-after-reboot", mlx,
     "the ring or JACCL group that ran yesterday cannot connect after a reboot",
     "ifconfig settings are not kept: bridge0 is up again and the cables' addresses are gone",
     "run addresses.sh again after every reboot; preflight.sh checks it", "mlx config.py"},
    {"bridge-loop", mlx,
     "the whole network slows down or drops as soon as a third cable closes the ring",
     "a loop of Thunderbolt bridges without spanning tree: broadcast storm",
     "take bridge0 down on every node before plugging in the last cable",
     "EXO topology.py:260-308"},
    {"cache-types-differ", llama,
     "attention falls to the client's CPU, or the context is refused, with -ctk and -ctv unlike",
     "the GPU has no flash-attention kernel for keys and values of different types",
     "give -ctk and -ctv the same type", "llama.cpp v0.5.0"},
    {"card-size-only", exo_only,
     "EXO accepts a placement and a node runs out of memory during the first long prompt",
     "placement compares the summed free memory with the size on the card: no cache, no "
     "activations, and under tensor no check of the single node",
     "plan with macfit first; it budgets every node", "EXO placement.py:21-37"},
    {"card-wrong-size", exo_only, "EXO says a model is 7 % larger than its files, and refuses it",
     "cards that print GB as GiB (Qwen3-235B-A22B 4 bit: 132 GiB for 132.27 GB)",
     "compare with macfit models show; mend the card", "EXO inference_model_cards"},
    {"dropped-layers", mlx_lm, "a pipeline answers fluently and wrongly, without an error",
     "mlx-lm up to 0.32.0 leaves out layers where their number is not a multiple of the nodes "
     "(61 layers on 2 nodes: layer 30)",
     "use a release with mlx-lm#1816, or a number of nodes that divides the layers",
     "mlx-lm#1688, mlx-lm#1816"},
    {"fast-synch-lock", mlx,
     "GPU time-out, then every GPU program of that Mac hangs until a reboot",
     "MLX_METAL_FAST_SYNCH=1 can wedge the GPU; EXO sets it unless told otherwise",
     "leave it unset; EXO: start with --no-fast-synch or EXO_FAST_SYNCH=false",
     "mlx#3142, mlx#3830"},
    {"fit-to-client-cpu", llama,
     "generation is many times slower than planned, and the client's RAM fills",
     "--fit moved layers or experts that did not fit the devices to the client's CPU",
     "give -c and --tensor-split as planned: they are then never changed, and too much is an error",
     "llama.cpp v0.5.0 common.h:478"},
    {"gpu-limit-warning", mlx,
     "\"requires ... which is close to the maximum recommended size\", then slow generation",
     "the model takes more than 0.9 of the GPU limit: macOS compresses or swaps",
     "raise iogpu.wired_limit_mb or plan with a smaller format", "mlx_lm/generate.py:221-257"},
    {"kernel-panic-at-limit", every,
     "the Mac restarts during a long context (kernel panic, watchdog)",
     "memory wired for the GPU leaves macOS too little; seen on an M4 Max with 128 GB",
     "keep max(5 GiB, 5 %) of RAM outside the limit and the context below the plan's", "exo#1972"},
    {"leftover-queue-pairs", mlx,
     "\"errno 16\" when a JACCL group starts after others have crashed",
     "queue pairs or memory regions of dead processes are still held: about 10 queue pairs and 100 "
     "regions a device",
     "end all MLX processes on every node; if it stays, reboot the node", "mlx#3207, mlx#4209"},
    {"names-after-reboot", mlx,
     "the hostfile names an rdma_enX that is gone or belongs to another cable",
     "interface names and addresses can change at a reboot or when cables are moved",
     "write the hostfile anew (mlx.distributed_config, or settings.sh and run.sh)", "mlx#3207"},
    {"pipeline-needs-index", mlx_lm,
     "--pipeline fails while loading: no model.safetensors.index.json",
     "a pipeline loads only its own files and wants a repository converted for MLX, with its index",
     "take a repository of mlx-community, or convert with mlx_lm.convert",
     "mlx_lm/utils.py:599-611"},
    {"prompt-cache-grows", mlx_lm,
     "memory climbs for hours, then the process is killed, though no request grew",
     "mlx_lm.server keeps the caches of up to 10 prompts, without a limit in bytes",
     "pass --prompt-cache-size as run.sh does", "mlx_lm/server.py"},
    {"protection-domain", mlx, "\"Couldn't allocate protection domain\"",
     "too many initializations since the last boot have used up the driver's protection domains",
     "reboot that node; start one long-lived group instead of many short ones", "mlx#3207"},
    {"rdma-no-device", mlx, "SIGSEGV in ibv_reg_mr at start",
     "no RDMA device where one was expected, or a cable that negotiated 40 Gb/s",
     "a release with mlx#4180; Thunderbolt 5 cables on Thunderbolt 5 ports", "mlx#4180, mlx#4485"},
    {"rdma-unreachable", mlx, "\"errno 60\" or \"errno 65\" while a group connects",
     "the peer's address is not reachable: wrong subnet, wrong interface, firewall",
     "ping every address of the plan from both ends (preflight.sh does)", "mlx#3755"},
    {"ring-peer-lost", mlx_lm, "the group hangs for ever when one node dies",
     "before mlx#4060 the ring waits for a lost peer",
     "a release with mlx#4060; stop all ranks and start again", "mlx#4060"},
    {"ring-two-gigabytes", mlx_lm,
     "wrong results or an abort for transfers above 2 GiB over the ring",
     "a 32-bit length before mlx#4281", "a release with mlx#4281", "mlx#4281"},
    {"rpc-open", llama, "strangers can run code on the node", "rpc-server has no authentication",
     "bind it to the Thunderbolt address (-H), never to a network that others reach",
     "llama.cpp tools/rpc/README.md"},
    {"slow-ring-address", exo_only, "a Thunderbolt cluster is as slow as Wi-Fi",
     "EXO chose a LAN address for the ring (round trips of 5 to 77 ms)",
     "turn Wi-Fi off on the nodes, or give the Thunderbolt ports addresses and restart EXO",
     "exo#2295, exo#2309"},
    {"tb4-offered-rdma", mlx,
     "rdma_ctl says \"enabled\", ibv_devices stays empty; EXO offers MlxJaccl and fails",
     "the Mac has Thunderbolt 4: no RDMA, whatever rdma_ctl says",
     "plan with --link tb4; choose MlxRing", "exo#1351, mlx#3777"},
    {"two-cables-deadlock", mlx,
     "loading or the first collective hangs with two cables between the same two nodes",
     "the two directions take different cables and wait for each other", "one cable per pair",
     "exo#2160"},
    {"wedged-port", mlx, "after hours of idling groups do not start; ibv_devinfo hangs",
     "the RDMA port died; nothing in software brings it back",
     "unplug and replug the cable, else reboot; preflight.sh runs ibv_devinfo with a time limit",
     "exo#1711, exo#1712, exo#1973"},
    {"wired-limit-after-reboot", every,
     "a model that loaded yesterday fails to allocate, or runs very slowly",
     "the system sets iogpu.wired_limit_mb back to 0 at every reboot",
     "run limits.sh again; preflight.sh checks it", "docs/hardware.md"},
});

constexpr bool sealed() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    const FailureMode& mode = table.at(i);
    if (mode.id.empty() || mode.runtimes == 0 || (mode.runtimes & ~every) != 0 ||
        mode.symptom.empty() || mode.cause.empty() || mode.remedy.empty() || mode.source.empty()) {
      return false;
    }
    if (i > 0 && !(table.at(i - 1).id < mode.id)) {
      return false;
    }
  }
  return true;
}
static_assert(sealed(), "every failure mode has its words, and the table is sorted by id");

}  // namespace

const std::vector<FailureMode>& failure_modes() {
  static const std::vector<FailureMode> all(table.begin(), table.end());
  return all;
}

std::vector<FailureMode> failure_modes_of(Id runtime) {
  std::vector<FailureMode> result;
  std::copy_if(table.begin(), table.end(), std::back_inserter(result),
               [&](const FailureMode& mode) { return mode.concerns(runtime); });
  return result;
}

}  // namespace macfit::runtime
