#include "va_driver/buffer.h"

#include <cstring>
#include <utility>

#include "va_driver/context.h"
#include "va_driver/display.h"
#include "va_driver/image.h"
#include "va_driver/status.h"
#include "va_driver/surface.h"

namespace daedalus::va {
namespace {

// The types of entrypoint VLD. Those that no codec here reads are refused by RenderPicture.
bool is_decode_type(int type) {
  switch (type) {
    case VAPictureParameterBufferType:
    case VAIQMatrixBufferType:
    case VABitPlaneBufferType:
    case VASliceGroupMapBufferType:
    case VASliceParameterBufferType:
    case VASliceDataBufferType:
    case VAMacroblockParameterBufferType:
    case VAResidualDataBufferType:
    case VADeblockingParameterBufferType:
    case VAQMatrixBufferType:
    case VAHuffmanTableBufferType:
    case VAProbabilityBufferType:
      return true;
    default:
      return false;
  }
}

}  // namespace

VAStatus create_buffer(Display& display, VAContextID context, int type, unsigned int size,
                       unsigned int count, void* data, VABufferID* buffer) {
  if (!buffer) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *buffer = VA_INVALID_ID;
  if (!display.find<Context>(context)) return VA_STATUS_ERROR_INVALID_CONTEXT;
  if (!is_decode_type(type)) {
    return refuse(VA_STATUS_ERROR_UNSUPPORTED_BUFFERTYPE, "no decoder reads buffers of type %d",
                  type);
  }
  const uint64_t bytes = uint64_t{size} * count;
  if (bytes == 0) {
    return refuse(VA_STATUS_ERROR_INVALID_PARAMETER, "a buffer of %u elements of %u bytes", count,
                  size);
  }
  if (bytes > kMaxBufferSize) {
    return refuse(VA_STATUS_ERROR_ALLOCATION_FAILED, "a buffer of %u elements of %u bytes", count,
                  size);
  }
  auto object = std::make_shared<Buffer>();
  object->type = static_cast<VABufferType>(type);
  object->element_size = size;
  object->element_count = object->max_element_count = count;
  object->storage = display.storage().allocate(bytes);
  object->data = object->storage.data();
  if (data) {
    std::memcpy(object->data, data, bytes);
  } else {
    std::memset(object->data, 0, bytes);
  }
  const auto id = display.insert(std::move(object));
  if (!id) return VA_STATUS_ERROR_MAX_NUM_EXCEEDED;
  *buffer = *id;
  return VA_STATUS_SUCCESS;
}

VAStatus buffer_set_num_elements(Display& display, VABufferID buffer, unsigned int count) {
  const auto object = display.find<Buffer>(buffer);
  if (!object) return VA_STATUS_ERROR_INVALID_BUFFER;
  if (count == 0 || count > object->max_element_count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  object->element_count = count;
  return VA_STATUS_SUCCESS;
}

VAStatus map_buffer(Display& display, VABufferID buffer, void** data) {
  if (!data) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *data = nullptr;
  const auto object = display.find<Buffer>(buffer);
  if (!object) return VA_STATUS_ERROR_INVALID_BUFFER;
  if (object->derived_from) object->derived_from->note_derived_map();
  *data = object->data;
  return VA_STATUS_SUCCESS;
}

VAStatus unmap_buffer(Display& display, VABufferID buffer) {
  return display.find<Buffer>(buffer) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_BUFFER;
}

VAStatus destroy_buffer(Display& display, VABufferID buffer) {
  return display.remove<Buffer>(buffer) ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_INVALID_BUFFER;
}

VAStatus buffer_info(Display& display, VABufferID buffer, VABufferType* type, unsigned int* size,
                     unsigned int* count) {
  const auto object = display.find<Buffer>(buffer);
  if (!object) return VA_STATUS_ERROR_INVALID_BUFFER;
  if (!type || !size || !count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *type = object->type;
  *size = object->element_size;
  *count = object->element_count;
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va
