// Caches and dma-bufs: DMA_BUF_IOCTL_SYNC (the kernel's "dma-buf", "CPU Access").
#ifndef DAEDALUS_BASE_DMA_BUF_H_
#define DAEDALUS_BASE_DMA_BUF_H_

#include <cstdint>

namespace daedalus {

// `flags`: DMA_BUF_SYNC_START or _END, with _READ, _WRITE or _RW (linux/dma-buf.h). It concerns the
// whole dma-buf; START waits for what other devices do with it. What is no dma-buf is left alone.
// 0, or the errno: then the caches are as they were.
int synchronise_dma_buf(int fd, uint64_t flags);

}  // namespace daedalus

#endif  // DAEDALUS_BASE_DMA_BUF_H_
