// FailoverDecoder: hardware while it works, software from the next picture on that refers to
// nothing.
#ifndef DAEDALUS_DECODE_CORE_HARDWARE_FAILOVER_DECODER_H_
#define DAEDALUS_DECODE_CORE_HARDWARE_FAILOVER_DECODER_H_

#include <functional>
#include <memory>

#include "decode_core/backend.h"

namespace daedalus::core {

// So many pictures that the device failed on (without pixels, or DecodeOutcome::device_error), with
// no whole one in between, and the hardware's context is given up.
inline constexpr int kFailuresBeforeFailover = 3;

// `make_software` is called once, if ever. After the failures above, or when the hardware says that
// it cannot do this kind of picture (kUnsupported), the hardware is closed; pictures fail until one
// comes that needs no earlier one, from which on software decodes, that one included. A new session
// tries hardware again. `hardware` ends frames (FieldRole::kFrame) before its begin() returns.
std::unique_ptr<Decoder> create_failover_decoder(
    std::unique_ptr<Decoder> hardware,
    std::function<Result<std::unique_ptr<Decoder>>()> make_software);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_HARDWARE_FAILOVER_DECODER_H_
