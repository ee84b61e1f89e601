// Access to the client's memory that fails where the client's pointer is wrong. The client is this
// very process.
#ifndef DAEDALUS_CUSE_DEVICE_PRELOAD_CLIENT_MEMORY_H_
#define DAEDALUS_CUSE_DEVICE_PRELOAD_CLIENT_MEMORY_H_

#include <cstddef>
#include <cstdint>

namespace daedalus::preload {

// False: part of the range is not mapped, or may not be accessed so. Where a sandbox forbids
// the system call behind it, the pointer is believed.
bool read_client_memory(uint64_t address, void* to, size_t size);
bool write_client_memory(uint64_t address, const void* from, size_t size);

}  // namespace daedalus::preload

#endif  // DAEDALUS_CUSE_DEVICE_PRELOAD_CLIENT_MEMORY_H_
