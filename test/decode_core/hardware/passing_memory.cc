#include "test/decode_core/hardware/passing_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace daedalus::core::test {

Result<std::shared_ptr<SurfaceMemory>> PassingMemory::allocate(size_t size, bool require_dma_buf) {
  if (allowed_ == 0) return Error{ErrorCode::kOutOfMemory, "there is no more"};
  --allowed_;
  UniqueFd fd(::memfd_create("surface", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return system_error("memfd");
  // Like a dma-buf it has one size for life.
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) return system_error("F_ADD_SEALS");
  auto mapping = Mapping::map(fd.get(), size, 0, true);
  if (!mapping) return mapping.error();
  ++*alive_;
  return std::shared_ptr<SurfaceMemory>(
      new SurfaceMemory(std::move(fd), std::move(*mapping), require_dma_buf, true, "test"),
      [alive = alive_](const SurfaceMemory* memory) {
        delete memory;
        --*alive;
      });
}

}  // namespace daedalus::core::test
