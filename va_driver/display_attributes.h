// Display attributes and subpictures: little more than libva and its users insist on.
#ifndef DAEDALUS_VA_DRIVER_DISPLAY_ATTRIBUTES_H_
#define DAEDALUS_VA_DRIVER_DISPLAY_ATTRIBUTES_H_

#include <va/va.h>

namespace daedalus::va {

class Display;

// One attribute, which can only be read: the background is black.
inline constexpr int kMaxDisplayAttributes = 1;
// libva refuses a driver that announces room for none.
inline constexpr int kMaxSubpictureFormats = 1;

VAStatus query_display_attributes(Display& display, VADisplayAttribute* attributes, int* count);
// Attributes of other types come back as not supported.
VAStatus get_display_attributes(Display& display, VADisplayAttribute* attributes, int count);
VAStatus set_display_attributes(Display& display, VADisplayAttribute* attributes, int count);
// There are none.
VAStatus query_subpicture_formats(Display& display, VAImageFormat* formats, unsigned int* flags,
                                  unsigned int* count);

}  // namespace daedalus::va

#endif  // DAEDALUS_VA_DRIVER_DISPLAY_ATTRIBUTES_H_
