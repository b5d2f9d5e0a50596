#pragma once

#include <cstdint>
#include <string_view>

namespace macfit::runtime {

/// How the nodes of one replica talk to each other.
enum class Backend : std::uint8_t {
  none,        ///< one node
  mlx_ring,    ///< MLX's ring over TCP: neighbours only
  jaccl_mesh,  ///< MLX over RDMA, every pair cabled
  jaccl_ring,  ///< MLX over RDMA, neighbours cabled
  llama_rpc,   ///< llama.cpp: one client, a cable to each server; TCP or RDMA
};
/// "jaccl-ring", as mlx.launch --backend takes it.
[[nodiscard]] std::string_view backend_name(Backend backend) noexcept;

}  // namespace macfit::runtime
