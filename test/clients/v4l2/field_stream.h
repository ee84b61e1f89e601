// A small H.264 stream of field pairs, which no encoder at hand makes.
#ifndef DAEDALUS_TEST_CLIENTS_V4L2_FIELD_STREAM_H_
#define DAEDALUS_TEST_CLIENTS_V4L2_FIELD_STREAM_H_

#include <cstdint>
#include <vector>

namespace daedalus::v4l2_client::testing {

// Annex B, 64x64: `fields` field pictures, top and bottom by turns; each top field is noise, each
// bottom field a copy of a field before it, all are references. An odd number leaves the last frame
// without its second field.
std::vector<uint8_t> make_field_stream(uint32_t fields);

}  // namespace daedalus::v4l2_client::testing

#endif  // DAEDALUS_TEST_CLIENTS_V4L2_FIELD_STREAM_H_
