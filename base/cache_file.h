// Small files that outlive a process, in the user's cache folder: whatever goes wrong, nothing was
// kept.
#ifndef DAEDALUS_BASE_CACHE_FILE_H_
#define DAEDALUS_BASE_CACHE_FILE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace daedalus {

// The file's bytes; none where it is missing, is no regular file or is larger than `most`.
std::string read_cache_file(const std::string& path, size_t most);

// Writes the file anew, so that readers see the old bytes or the new ones, and makes its folder
// where that is missing. False: it stays as it was.
bool write_cache_file(const std::string& path, std::string_view bytes);

}  // namespace daedalus

#endif  // DAEDALUS_BASE_CACHE_FILE_H_
