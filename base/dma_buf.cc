#include "base/dma_buf.h"

#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <cerrno>

namespace daedalus {

void synchronise_dma_buf(int fd, uint64_t flags) {
  dma_buf_sync request{};
  request.flags = flags;
  while (::ioctl(fd, DMA_BUF_IOCTL_SYNC, &request) != 0 && (errno == EINTR || errno == EAGAIN)) {
  }
}

}  // namespace daedalus
