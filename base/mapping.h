// Mapping: the one owner of a memory mapping.
#ifndef DAEDALUS_BASE_MAPPING_H_
#define DAEDALUS_BASE_MAPPING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace daedalus {

class Mapping {
 public:
  Mapping() = default;
  // Maps `size` bytes of `fd` from `offset`, shared, readable and, if `writable`, writable.
  // The mapping does not keep or need the descriptor afterwards.
  static Result<Mapping> map(int fd, size_t size, int64_t offset, bool writable);
  // Maps a whole file read-only.
  static Result<Mapping> map_file(const std::string& path);

  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<uint8_t> bytes() const { return {data_, size_}; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  Mapping(uint8_t* data, size_t size) : data_(data), size_(size) {}
  void unmap();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace daedalus

#endif  // DAEDALUS_BASE_MAPPING_H_
