// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "text/key.h"

#include <random>

#include "wire/xxh3.h"

namespace distillwatch::text {
namespace {

constexpr std::size_t kLeastSecretBytes = 16;

}  // namespace

Result<Key> Key::FromSecret(std::string_view secret) {
  if (secret.size() < kLeastSecretBytes) {
    return InvalidArgument("key has " + std::to_string(secret.size()) +
                           " bytes; allowed: at least " + std::to_string(kLeastSecretBytes));
  }
  Key key;
  std::array<unsigned char, kSecretBytes + sizeof(key.word_keys_)> stretched;
  if (XXH3_generateSecret(stretched.data(), stretched.size(), secret.data(), secret.size()) !=
      XXH_OK) {
    return InvalidArgument("key could not be stretched");
  }
  std::memcpy(key.secret_.data(), stretched.data(), kSecretBytes);
  std::memcpy(key.word_keys_.data(), stretched.data() + kSecretBytes, sizeof(key.word_keys_));
  // The number is raised when words, shingles or terms are hashed in another way: their states must
  // not be merged with older ones.
  constexpr std::string_view kName = "distillwatch key id 1";
  key.id_ = key.Hash(kName);
  return key;
}

Result<std::string> Key::RandomSecret() {
  try {
    std::random_device device;
    std::string secret;
    for (int i = 0; i < 8; ++i) {
      const std::uint32_t word = device();
      secret.append(reinterpret_cast<const char*>(&word), sizeof(word));
    }
    return secret;
  } catch (...) {  // std::random_device reports a missing source by throwing
    return Unavailable("the operating system gave no random bytes for a key; set options.key");
  }
}

std::uint64_t Key::Hash(const void* bytes, std::size_t size) const noexcept {
  return XXH3_64bits_withSecret(bytes, size, secret_.data(), secret_.size());
}

std::uint64_t Key::Hash(std::string_view name, std::string_view value) const noexcept {
  const std::uint64_t parts[3] = {Hash(name), Hash(value), name.size()};
  return Hash(parts, sizeof(parts));
}

}  // namespace distillwatch::text
