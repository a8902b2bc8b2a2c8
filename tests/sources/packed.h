#pragma once
#include <arrow/util/compression.h>
#include <lzma.h>

#include "source_test.h"

namespace tapemill::sources {

inline std::string packed(arrow::Compression::type type, std::string_view text) {
  auto compressor = *(*arrow::util::Codec::Create(type))->MakeCompressor();
  auto* in = reinterpret_cast<const std::uint8_t*>(text.data());
  auto left = static_cast<std::int64_t>(text.size());
  std::string out, room(1 << 20, '\0');
  auto* to = reinterpret_cast<std::uint8_t*>(room.data());
  const auto most = static_cast<std::int64_t>(room.size());
  while (left > 0) {
    const auto done = *compressor->Compress(left, in, most, to);
    in += done.bytes_read, left -= done.bytes_read;
    out.append(room, 0, static_cast<std::size_t>(done.bytes_written));
  }
  for (bool again = true; again;) {
    const auto done = *compressor->End(most, to);
    out.append(room, 0, static_cast<std::size_t>(done.bytes_written));
    again = done.should_retry;
  }
  return out;
}
inline std::string bzip2(std::string_view text) { return packed(arrow::Compression::BZ2, text); }
inline std::string zstd(std::string_view text) { return packed(arrow::Compression::ZSTD, text); }
inline std::string xz(std::string_view text) {
  std::string out(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t used = 0;
  EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const std::uint8_t*>(text.data()),
                                    text.size(), reinterpret_cast<std::uint8_t*>(out.data()), &used, out.size()),
            LZMA_OK);
  return out.substr(0, used);
}

/// A zip archive of these files, deflated.
inline std::string zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out, directory;
  auto put = [](std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
  };
  for (const auto& [name, text] : files) {
    const std::string gz = *gzip_compress(text, 6);  // ten bytes of header; checksum and size at the end
    const std::string data = gz.substr(10, gz.size() - 18), crc = gz.substr(gz.size() - 8, 4);
    std::string facts;
    put(facts, 20, 2), put(facts, 0, 2), put(facts, 8, 2), put(facts, 0, 4);
    facts += crc;
    put(facts, data.size(), 4), put(facts, text.size(), 4), put(facts, name.size(), 2), put(facts, 0, 2);
    const std::size_t at = out.size();
    out += "PK\x03\x04" + facts + name + data;
    directory += "PK\x01\x02";
    put(directory, 20, 2);
    directory += facts;
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 4), put(directory, at, 4);
    directory += name;
  }
  std::string end = "PK\x05\x06";
  put(end, 0, 4), put(end, files.size(), 2), put(end, files.size(), 2), put(end, directory.size(), 4);
  put(end, out.size(), 4), put(end, 0, 2);
  return out + directory + end;
}

}  // namespace tapemill::sources
