// Copyright 2026 The distillwatch authors. SPDX-License-Identifier: Apache-2.0

#include "wire/wire.h"

#include "wire/xxh3.h"

namespace distillwatch::wire {
namespace {

constexpr std::size_t kHeaderBytes = 4 + 2 + 2 + 8 + 8;  // letters, version, zero, key, length
constexpr std::size_t kChecksumBytes = 8;

std::uint64_t Checksum(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace

std::string Frame(Kind kind, std::uint64_t key_id, std::string_view payload) {
  Writer header;
  header(kind.version, std::uint16_t{0}, key_id, static_cast<std::uint64_t>(payload.size()));
  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size() + kChecksumBytes);
  bytes += kind.name();
  bytes += header.bytes();
  bytes += payload;
  Writer sum;
  sum(Checksum(bytes));
  bytes += sum.bytes();
  return bytes;
}

Result<std::string_view> Unframe(Kind kind, std::uint64_t key_id, std::string_view bytes) {
  const std::string name = "'" + std::string(kind.name()) + "'";
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return DataLoss(name + " has " + std::to_string(bytes.size()) + " bytes; allowed: at least " +
                    std::to_string(kHeaderBytes + kChecksumBytes));
  }
  if (bytes.substr(0, 4) != kind.name()) {
    return DataLoss("these bytes do not begin with " + name);
  }
  Reader header(bytes.substr(4));
  std::uint16_t version = 0, zero = 0;
  std::uint64_t key = 0, length = 0, checksum = 0;
  header(version, zero, key, length);
  if (version != kind.version) {
    return DataLoss(name + " has version " + std::to_string(version) +
                    "; allowed: " + std::to_string(kind.version));
  }
  if (length != bytes.size() - kHeaderBytes - kChecksumBytes) {
    return DataLoss(name + " says it holds " + std::to_string(length) + " bytes and has " +
                    std::to_string(bytes.size() - kHeaderBytes - kChecksumBytes));
  }
  Reader tail(bytes.substr(bytes.size() - kChecksumBytes));
  tail(checksum);
  if (zero != 0 || checksum != Checksum(bytes.substr(0, bytes.size() - kChecksumBytes))) {
    return DataLoss(name + " is damaged: its checksum does not match");
  }
  if (key != key_id) {
    return FailedPrecondition(name + " was made under another key");
  }
  return bytes.substr(kHeaderBytes, length);
}

Result<Opened> TakeFrame(std::string_view& bytes) {
  if (bytes.size() < kHeaderBytes + kChecksumBytes) {
    return DataLoss("the last frame has " + std::to_string(bytes.size()) +
                    " bytes; allowed: at least " + std::to_string(kHeaderBytes + kChecksumBytes));
  }
  Opened frame;
  for (std::size_t i = 0; i < 4; ++i) frame.kind.letters[i] = bytes[i];
  for (std::size_t i = 0; i < 4; ++i) {
    if (bytes[i] < 'A' || bytes[i] > 'Z') return DataLoss("a frame has no name");
  }
  Reader header(bytes.substr(4));
  std::uint16_t zero = 0;
  std::uint64_t length = 0;
  header(frame.kind.version, zero, frame.key_id, length);
  const std::string name = "'" + std::string(frame.kind.name()) + "'";
  const std::size_t most = bytes.size() - kHeaderBytes - kChecksumBytes;
  if (length > most) {
    return DataLoss(name + " says it holds " + std::to_string(length) + " bytes and has " +
                    std::to_string(most));
  }
  const std::size_t size = kHeaderBytes + static_cast<std::size_t>(length);
  Reader tail(bytes.substr(size));
  std::uint64_t checksum = 0;
  tail(checksum);
  if (zero != 0 || checksum != Checksum(bytes.substr(0, size))) {
    return DataLoss(name + " is damaged: its checksum does not match");
  }
  frame.payload = bytes.substr(kHeaderBytes, size - kHeaderBytes);
  bytes.remove_prefix(size + kChecksumBytes);
  return frame;
}

}  // namespace distillwatch::wire
