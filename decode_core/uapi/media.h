// The only place that includes the kernel's media controller header (requests, topology).
#ifndef DAEDALUS_DECODE_CORE_UAPI_MEDIA_H_
#define DAEDALUS_DECODE_CORE_UAPI_MEDIA_H_

#include <linux/media.h>

#endif  // DAEDALUS_DECODE_CORE_UAPI_MEDIA_H_
