// Buffers: what the client fills and RenderPicture reads, and the pixels of images.
#ifndef DAEDALUS_VA_DRIVER_BUFFER_H_
#define DAEDALUS_VA_DRIVER_BUFFER_H_

#include <va/va.h>
#include <va/va_backend.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "va_driver/storage_pool.h"

namespace daedalus::va {

class Display;
struct Surface;

// `data` never moves. RenderPicture copies what it needs, so a buffer may be changed or destroyed
// right after it.
struct Buffer {
  VABufferType type = VABufferTypeMax;
  uint32_t element_size = 0;   // bytes
  uint32_t element_count = 0;  // at most what it was made with
  uint32_t max_element_count = 0;
  uint8_t* data = nullptr;
  Storage storage;                        // behind `data`, or
  std::shared_ptr<const void> borrowed;   // the owner of memory that a derived image shows
  std::shared_ptr<Surface> derived_from;  // its surface

  size_t size() const { return size_t{element_size} * element_count; }
  std::span<const uint8_t> bytes() const { return {data, size()}; }
};

// No larger buffer is made, and no picture holds more than this, in bytes.
inline constexpr size_t kMaxBufferSize = size_t{256} << 20;

VAStatus create_buffer(Display& display, VAContextID context, int type, unsigned int size,
                       unsigned int count, void* data, VABufferID* buffer);
VAStatus buffer_set_num_elements(Display& display, VABufferID buffer, unsigned int count);
VAStatus map_buffer(Display& display, VABufferID buffer, void** data);
VAStatus unmap_buffer(Display& display, VABufferID buffer);
VAStatus destroy_buffer(Display& display, VABufferID buffer);
VAStatus buffer_info(Display& display, VABufferID buffer, VABufferType* type, unsigned int* size,
                     unsigned int* count);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_BUFFER_H_
