// The part of the kernel's V3D interface (include/uapi/drm/v3d_drm.h) that no package carries.
#ifndef DAEDALUS_DECODE_CORE_UAPI_V3D_H_
#define DAEDALUS_DECODE_CORE_UAPI_V3D_H_

#include <drm.h>

struct DaedalusV3dCreateBo {
  __u32 size;    // in: bytes
  __u32 flags;   // in: 0
  __u32 handle;  // out: GEM handle
  __u32 offset;  // out: address in the GPU's space
};

#define DAEDALUS_DRM_IOCTL_V3D_CREATE_BO \
  DRM_IOWR(DRM_COMMAND_BASE + 0x02, struct DaedalusV3dCreateBo)

#endif  // DAEDALUS_DECODE_CORE_UAPI_V3D_H_
