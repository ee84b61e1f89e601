// The software backend: CPU engines, by codec.
#ifndef DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
#define DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_

#include <memory>

#include "decode_core/backend.h"
#include "decode_core/settings.h"

namespace daedalus::core {

std::unique_ptr<Backend> create_software_backend(const Settings& settings);

}  // namespace daedalus::core

#endif  // DAEDALUS_DECODE_CORE_SOFTWARE_SOFTWARE_BACKEND_H_
