// Avro containers made by hand, byte for byte, so that a test may break them where it wants.
#pragma once
#include <cstring>
#include <string>
#include <vector>

namespace tapemill::sources {

inline std::string zigzag(std::int64_t value) {
  auto bits = static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
  std::string out;
  for (; bits >= 0x80; bits >>= 7) out += static_cast<char>(bits | 0x80);
  return out + static_cast<char>(bits);
}
inline std::string avro_text(std::string_view text) {
  return zigzag(static_cast<std::int64_t>(text.size())) + std::string(text);
}
template <class T>
std::string avro_real(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}
inline const std::string kSyncMark = "0123456789abcdef";
inline std::string avro_head(const std::string& schema, const std::string& codec = {}) {
  std::string out{"Obj\1", 4};
  out += zigzag(codec.empty() ? 1 : 2) + avro_text("avro.schema") + avro_text(schema);
  if (!codec.empty()) out += avro_text("avro.codec") + avro_text(codec);
  return out + zigzag(0) + kSyncMark;
}
inline std::string avro_block(std::int64_t count, const std::string& data) {
  return zigzag(count) + avro_text(data) + kSyncMark;
}
inline std::string avro_file(const std::string& schema, const std::vector<std::string>& records,
                             const std::string& codec = {}) {
  std::string data;
  for (const std::string& one : records) data += one;
  return avro_head(schema, codec) + avro_block(static_cast<std::int64_t>(records.size()), data);
}

}  // namespace tapemill::sources
