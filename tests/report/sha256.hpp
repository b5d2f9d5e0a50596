#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace macfit::test {

/// SHA-256 (FIPS 180-4), base64 as a Content-Security-Policy writes it. For tests: slow and short.
inline std::string sha256_base64(std::string_view text) {
  constexpr std::array<std::uint32_t, 64> round = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};
  std::array<std::uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string message(text);
  message += '\x80';
  while (message.size() % 64 != 56) {
    message += '\0';
  }
  for (int shift = 56; shift >= 0; shift -= 8) {
    message += static_cast<char>((static_cast<std::uint64_t>(text.size()) * 8U) >> shift);
  }
  const auto turn = [](std::uint32_t value, unsigned by) {
    return (value >> by) | (value << (32U - by));
  };
  for (std::size_t block = 0; block < message.size(); block += 64) {
    std::array<std::uint32_t, 64> w{};
    for (std::size_t i = 0; i < 64; ++i) {
      if (i < 16) {
        for (std::size_t b = 0; b < 4; ++b) {
          w.at(i) = (w.at(i) << 8U) | static_cast<unsigned char>(message[block + i * 4 + b]);
        }
        continue;
      }
      const std::uint32_t a = w.at(i - 15);
      const std::uint32_t b = w.at(i - 2);
      w.at(i) = w.at(i - 16) + (turn(a, 7) ^ turn(a, 18) ^ (a >> 3U)) + w.at(i - 7) +
                (turn(b, 17) ^ turn(b, 19) ^ (b >> 10U));
    }
    std::array<std::uint32_t, 8> v = state;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint32_t first = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                                  ((v[4] & v[5]) ^ (~v[4] & v[6])) + round.at(i) + w.at(i);
      const std::uint32_t second = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                                   ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
      v = {first + second, v[0], v[1], v[2], v[3] + first, v[4], v[5], v[6]};
    }
    for (std::size_t i = 0; i < 8; ++i) {
      state.at(i) += v.at(i);
    }
  }
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::uint32_t, 33> bytes{};  // one zero behind the 32
  for (std::size_t i = 0; i < 32; ++i) {
    bytes.at(i) = (state.at(i / 4) >> (24U - 8U * (i % 4))) & 0xFFU;
  }
  std::string result;
  for (std::size_t i = 0; i < 33; i += 3) {
    const std::uint32_t three = (bytes.at(i) << 16U) | (bytes.at(i + 1) << 8U) | bytes.at(i + 2);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) {
      result += digits[(three >> shift) & 63U];
    }
  }
  result.back() = '=';
  return result;
}

}  // namespace macfit::test
