// PictureMemory: where pictures lie that the GPU is measured with.
#ifndef DAEDALUS_GPU_KERNELS_DISPATCH_PICTURE_MEMORY_H_
#define DAEDALUS_GPU_KERNELS_DISPATCH_PICTURE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>

namespace daedalus::gpu_kernels {

enum class PictureUse : uint8_t { kDecoded, kShown };

// So many bytes, page-aligned, as players' decoded pictures or their surfaces have them where this
// GPU needs other memory than the heap's to find them in place; null: the heap's will do, or there
// is no other.
using PictureMemory = std::function<std::shared_ptr<uint8_t>(size_t size, PictureUse use)>;

// That, or else the heap's, in whole pages; null: there is none.
inline std::shared_ptr<uint8_t> allocate_picture(const PictureMemory& memory, size_t size,
                                                 PictureUse use) {
  if (auto made = memory ? memory(size, use) : nullptr) return made;
  constexpr size_t kPage = 4096;
  const size_t whole = (size + kPage - 1) / kPage * kPage;
  return {static_cast<uint8_t*>(std::aligned_alloc(kPage, whole)), std::free};
}

}  // namespace daedalus::gpu_kernels

#endif  // DAEDALUS_GPU_KERNELS_DISPATCH_PICTURE_MEMORY_H_
