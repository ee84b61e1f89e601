// PNG files of decoded frames.
#ifndef DAEDALUS_TOOLS_DAEDALUS_PNG_H_
#define DAEDALUS_TOOLS_DAEDALUS_PNG_H_

#include <string>

#include "base/result.h"
#include "tools/daedalus/front.h"

namespace daedalus::tool {

// 8-bit RGB; video range, BT.709 from 720 rows on, else BT.601.
Status write_png(const Frame& frame, const std::string& path);

}  // namespace daedalus::tool

#endif  // DAEDALUS_TOOLS_DAEDALUS_PNG_H_
