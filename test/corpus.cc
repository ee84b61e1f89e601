#include "test/corpus.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "test/catch.h"

namespace daedalus::test {
namespace {

std::string corpus_folder() {
  const char* folder = std::getenv("DAEDALUS_CORPUS");
  return folder != nullptr && *folder != '\0' ? folder : "../shared/corpus";
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream split(line);
  for (std::string cell; std::getline(split, cell, '\t');) cells.push_back(cell);
  return cells;
}

}  // namespace

std::vector<CorpusRow> read_table(std::istream& in) {
  std::vector<CorpusRow> rows;
  std::vector<std::string> names;
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (names.empty()) {
      names = cells;
      continue;
    }
    CorpusRow& row = rows.emplace_back();
    for (size_t i = 0; i < names.size(); ++i) row[names[i]] = i < cells.size() ? cells[i] : "";
  }
  return rows;
}

bool has_420_samples(const CorpusRow& row) {
  return row.at("pix_fmt") == "yuv420p" || row.at("pix_fmt") == "yuv420p10le";
}

void for_each_corpus_stream(
    const std::string& codec,
    const std::function<bool(const std::string& path, const CorpusRow& row)>& check) {
  const std::string folder = corpus_folder();
  std::ifstream manifest(folder + "/MANIFEST.tsv");
  if (!manifest) DAEDALUS_SKIP("no corpus in " << folder << " (DAEDALUS_CORPUS)");
  size_t tested = 0;
  for (const CorpusRow& row : read_table(manifest)) {
    if (row.at("codec") != codec) continue;
    INFO(row.at("path") << " " << row.at("profile"));
    if (check(folder + "/" + row.at("path"), row)) ++tested;
  }
  CHECK(tested > 0);
}

}  // namespace daedalus::test
