// Writes pcap files for tests, byte by byte and without libpcap, so that damaged ones can be made
// too.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

namespace jitwg::test {

// The pcap file format with nanoseconds, little-endian;
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap
class CaptureBytes {
 public:
  // `link_type` is a LINKTYPE_ number: 1 Ethernet, 101 raw IP, 276 cooked v2.
  explicit CaptureBytes(std::uint32_t link_type, std::uint32_t magic = 0xa1b23c4d) {
    for (const std::uint32_t word : {magic, 0x00040002U, 0U, 0U, 262144U, link_type}) Put32(word);
  }

  void Add(std::span<const std::uint8_t> frame, std::uint32_t seconds = 1700000000,
           std::uint32_t nanoseconds = 123456789) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    for (const std::uint32_t word : {seconds, nanoseconds, size, size}) Put32(word);
    bytes_.insert(bytes_.end(), frame.begin(), frame.end());
  }

  std::vector<std::uint8_t>& bytes() { return bytes_; }

 private:
  void Put32(std::uint32_t word) {
    for (int shift = 0; shift < 32; shift += 8) {
      bytes_.push_back(static_cast<std::uint8_t>(word >> shift));
    }
  }
  std::vector<std::uint8_t> bytes_;
};

// A file of its own for this process, removed at the end.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::span<const std::uint8_t> contents) {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("jitwg-test-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    std::ofstream file(path_, std::ios::binary);
    for (const std::uint8_t byte : contents) file.put(static_cast<char>(byte));
  }
  explicit TemporaryFile(std::string_view text)
      : TemporaryFile(std::vector<std::uint8_t>(text.begin(), text.end())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace jitwg::test
