#include "decode_core/stream/stream_statistics.h"

#include <algorithm>

#include "base/log.h"

namespace daedalus::core {

StreamStatistics::StreamStatistics(const Settings& settings, const std::string& front, Codec codec)
    : codec_(codec),
      statistics_(settings.statistics_folder,
                  {front, std::string(to_string(codec)), "", "stream", "software", 0, 0},
                  settings.sweep_statistics) {}

void StreamStatistics::note_error(const Error& error) {
  // A damaged stream is damaged in many places; one is worth a warning.
  const bool first = statistics_.page().errors++ == 0;
  log(first ? LogLevel::kWarning : LogLevel::kDebug,
      "a part of a %s stream could not be decoded: %s", std::string(to_string(codec_)).c_str(),
      error.message.c_str());
}

void StreamStatistics::note_picture(const StreamPicture& picture, std::string_view profile) {
  StatisticsPage& page = statistics_.page();
  if (page.pictures == 0) {  // the bitstream tells its profile no earlier
    if (profile.empty() && codec_ == Codec::kVp8) profile = to_string(Profile::kVp8);
    std::copy_n(profile.data(), std::min(profile.size(), page.profile.size() - 1),
                page.profile.data());
  }
  page.width = picture.frame.view.width;
  page.height = picture.frame.view.height;
  if (picture.damaged) ++page.concealed;
  ++page.pictures;
}

}  // namespace daedalus::core
