// The corpus of streams (DAEDALUS_CORPUS), by its manifest.
#ifndef DAEDALUS_TEST_CORPUS_H_
#define DAEDALUS_TEST_CORPUS_H_

#include <functional>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace daedalus::test {

// A line of a table whose first line names the columns: column → cell.
using CorpusRow = std::map<std::string, std::string>;
std::vector<CorpusRow> read_table(std::istream& in);

// 4:2:0 of 8 or 10 bits.
bool has_420_samples(const CorpusRow& row);

// Calls `check` with each stream of a codec, its path and its line of the manifest; `check` says
// whether the stream was one of those that are tested. Skips the running test where there is no
// corpus, fails it where no stream was tested.
void for_each_corpus_stream(
    const std::string& codec,
    const std::function<bool(const std::string& path, const CorpusRow& row)>& check);

}  // namespace daedalus::test

#endif  // DAEDALUS_TEST_CORPUS_H_
