#include "indicators/tables.h"

#include <cstring>
#include <new>

namespace tapemill::indicators {
namespace {

constexpr std::string_view kMagic = "TMI1";

void append(std::string& bytes, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(number >> shift & 0xff));
}

bool take(std::string_view& bytes, std::uint32_t& number) {
  if (bytes.size() < 4) return false;
  number = 0;
  for (int i = 0; i < 4; ++i)
    number |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)])) << 8 * i;
  bytes.remove_prefix(4);
  return true;
}

}  // namespace

const KernelTable& kernels(Isa isa) {
  return isa == Isa::base ? base_kernels() : isa == Isa::avx2 ? avx2_kernels() : avx512_kernels();
}

Block allocate(std::size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  Block block(std::aligned_alloc(kAlignment, bytes));
  if (!block) throw std::bad_alloc();
  std::memset(block.get(), 0, bytes);
  return block;
}

std::string pack(const Resolved& resolved, std::span<const double> state) {
  std::string bytes(kMagic), text = resolved.text();
  append(bytes, static_cast<std::uint32_t>(text.size()));
  bytes += text;
  append(bytes, static_cast<std::uint32_t>(state.size()));
  std::size_t at = bytes.size();
  bytes.resize(at + state.size_bytes());
  if (!state.empty()) std::memcpy(bytes.data() + at, state.data(), state.size_bytes());
  return bytes;
}

Result<std::vector<double>> unpack(const Resolved& resolved, std::string_view bytes, std::size_t size) {
  std::uint32_t length = 0, count = 0;
  std::string text = resolved.text();
  auto damaged = [&] {
    return data_error(fmt::format("state of {} is damaged", text), "begin at the series' first bar again");
  };
  if (!bytes.starts_with(kMagic)) return damaged();
  bytes.remove_prefix(kMagic.size());
  if (!take(bytes, length) || bytes.size() < length) return damaged();
  if (bytes.substr(0, length) != text)
    return data_error(fmt::format("state of {} given to {}", bytes.substr(0, length), text),
                      "begin at the series' first bar again");
  bytes.remove_prefix(length);
  if (!take(bytes, count) || count != size || bytes.size() != size * sizeof(double)) return damaged();
  std::vector<double> state(size);
  if (size) std::memcpy(state.data(), bytes.data(), bytes.size());
  return state;
}

}  // namespace tapemill::indicators
