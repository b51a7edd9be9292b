#include <array>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>

#include "ranvier/spiking/simulation.h"

namespace ranvier {

std::string SpikesSha256(std::span<const Spike> spikes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  bool ok = context != nullptr &&
            EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1;
  // Little-endian pairs, through a buffer so that any machine gives the same.
  std::array<unsigned char, 8 * 1024> bytes;
  size_t filled = 0;
  const auto put = [&](uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes[filled++] = static_cast<unsigned char>(value >> shift);
    }
  };
  for (const Spike& spike : spikes) {
    put(spike.step);
    put(spike.neuron);
    if (filled == bytes.size()) {
      ok = ok && EVP_DigestUpdate(context.get(), bytes.data(), filled) == 1;
      filled = 0;
    }
  }
  ok = ok && EVP_DigestUpdate(context.get(), bytes.data(), filled) == 1 &&
       EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1;
  if (!ok) throw std::runtime_error("SHA-256: OpenSSL refused to compute it");

  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace ranvier
