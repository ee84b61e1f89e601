#include "va_driver/display_attributes.h"

#include "base/enum_value.h"
#include "va_driver/display.h"

namespace daedalus::va {
namespace {

VADisplayAttribute background() {
  VADisplayAttribute attribute{};
  attribute.type = VADisplayAttribBackgroundColor;
  attribute.flags = VA_DISPLAY_ATTRIB_GETTABLE;
  return attribute;
}

}  // namespace

VAStatus query_display_attributes(Display&, VADisplayAttribute* attributes, int* count) {
  if (!attributes || !count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  attributes[0] = background();
  *count = kMaxDisplayAttributes;
  return VA_STATUS_SUCCESS;
}

VAStatus get_display_attributes(Display&, VADisplayAttribute* attributes, int count) {
  if (count < 0 || (count > 0 && !attributes)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  for (int i = 0; i < count; ++i) {
    VADisplayAttribute& attribute = attributes[i];
    if (plain(attribute.type) == VADisplayAttribBackgroundColor) {
      attribute = background();
    } else {
      attribute.min_value = attribute.max_value = attribute.value = 0;
      attribute.flags = VA_DISPLAY_ATTRIB_NOT_SUPPORTED;
    }
  }
  return VA_STATUS_SUCCESS;
}

VAStatus set_display_attributes(Display&, VADisplayAttribute* attributes, int count) {
  if (count < 0 || (count > 0 && !attributes)) return VA_STATUS_ERROR_INVALID_PARAMETER;
  return count == 0 ? VA_STATUS_SUCCESS : VA_STATUS_ERROR_ATTR_NOT_SUPPORTED;
}

VAStatus query_subpicture_formats(Display&, VAImageFormat*, unsigned int*, unsigned int* count) {
  if (!count) return VA_STATUS_ERROR_INVALID_PARAMETER;
  *count = 0;
  return VA_STATUS_SUCCESS;
}

}  // namespace daedalus::va
