#include "base/dma_buf.h"

#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace daedalus {

int synchronise_dma_buf(int fd, uint64_t flags) {
  dma_buf_sync request{};
  request.flags = flags;
  while (::ioctl(fd, DMA_BUF_IOCTL_SYNC, &request) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    return errno == ENOTTY ? 0 : errno;
  }
  return 0;
}

}  // namespace daedalus
