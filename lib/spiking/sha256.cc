#include "ranvier/spiking/sha256.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <openssl/evp.h>

#include "ranvier/simd/base/error.h"

namespace ranvier {

struct Sha256::Impl {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(ctx); }
};

namespace {

// OpenSSL fails here only for want of memory or of the algorithm itself.
void Require(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  Require(impl_->ctx != nullptr &&
          EVP_DigestInit_ex(impl_->ctx, EVP_sha256(), nullptr) == 1);
}
Sha256::~Sha256() = default;

void Sha256::Update(std::span<const std::byte> bytes) {
  Require(EVP_DigestUpdate(impl_->ctx, bytes.data(), bytes.size()) == 1);
}

void Sha256::Update(std::span<const Spike> spikes) {
  std::array<std::byte, 8 * 1024> buffer;
  size_t used = 0;
  const auto put = [&](uint32_t value) {
    for (int byte = 0; byte < 4; ++byte) {
      buffer[used++] = static_cast<std::byte>(value >> (8 * byte));
    }
  };
  for (const Spike& spike : spikes) {
    put(spike.step);
    put(spike.neuron);
    if (used == buffer.size()) {
      Update(buffer);
      used = 0;
    }
  }
  Update(std::span<const std::byte>(buffer).first(used));
}

std::string Sha256::HexDigest() {
  std::array<unsigned char, 32> digest;
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(impl_->ctx, digest.data(), &size) == 1 &&
          size == digest.size());
  std::string hex;
  for (const unsigned char byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string FileSha256(const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(
      std::fopen(path.c_str(), "rb"), close);
  const auto fail = [&](const char* call) {
    throw IoError(path + ": " + call + ": " + std::strerror(errno));
  };
  if (!file) fail("open");
  Sha256 sha;
  std::vector<std::byte> buffer(1 << 18);
  while (const size_t n =
             std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    sha.Update(std::span<const std::byte>(buffer).first(n));
  }
  if (std::ferror(file.get()) != 0) fail("read");
  return sha.HexDigest();
}

std::string SpikesSha256(std::span<const Spike> spikes) {
  Sha256 sha;
  sha.Update(spikes);
  return sha.HexDigest();
}

}  // namespace ranvier
