// The kernel's stateless codec controls by their fields, for messages about what is in them.
#ifndef DAEDALUS_TEST_DECODE_CORE_HARDWARE_CONTROL_FIELDS_H_
#define DAEDALUS_TEST_DECODE_CORE_HARDWARE_CONTROL_FIELDS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace daedalus::core::test {

struct ControlField {
  const char* name;
  // Of the field in the control, in bytes; of the first one where the control has several.
  size_t offset;
  size_t size;
  size_t count = 1;   // elements of the array of structures that it is in
  size_t stride = 0;  // bytes from one to the next
};

struct ControlLayout {
  uint32_t id;
  const char* name;
  // Everything but padding and `reserved`. Of a dynamic array: the fields of one element.
  std::span<const ControlField> fields;
  size_t element_size;  // of a dynamic array, in bytes; else that of the control
};

// Null: a control that no codec of ours has.
const ControlLayout* control_layout(uint32_t id);

}  // namespace daedalus::core::test

#endif  // DAEDALUS_TEST_DECODE_CORE_HARDWARE_CONTROL_FIELDS_H_
