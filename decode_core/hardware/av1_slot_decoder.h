// AV1 on hardware: drivers want to be told which of eight slots a picture takes, where their
// state for later pictures is kept (refresh_frame_flags), and VA-API tells it with the next
// picture.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_AV1_SLOT_DECODER_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_AV1_SLOT_DECODER_H_

#include <memory>

#include "decode_core/backend.h"

namespace daedalus::core {

// A decoder of AV1 jobs, whether or not they tell what they refresh, in front of one that wants to
// be told. The slots are its own choice, so that there is room for most pictures of which nothing
// is known. For the others it waits for the next job; where somebody wants such a picture first, it
// is decoded at once, and a second time if it turns out to be a reference
// (DecodeOutcome::redecoded).
std::unique_ptr<Decoder> create_av1_slot_decoder(std::unique_ptr<Decoder> hardware);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_AV1_SLOT_DECODER_H_
