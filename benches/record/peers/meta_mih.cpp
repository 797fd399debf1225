// Drives the multi-index of Meta's ThreatExchange (pdq/cpp/index/mih.h, fetched by whoever measures)
// line by line, like `search-peers`: `meta-mih SEARCHER 256 HASHES QUERIES`. `compare_search.py
// --threat-exchange FOLDER` builds and runs it.

#include <pdq/cpp/index/mih.h>

#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using facebook::pdq::hashing::Hash256;
using Matches = std::vector<std::pair<Hash256, uint32_t>>;

static double cpu_s(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static uint64_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::stoull(line.substr(6));
  }
  return 0;
}

static std::vector<Hash256> read_hashes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<Hash256> hashes(bytes.size() / 32);
  for (size_t i = 0; i < hashes.size(); i++) std::memcpy(hashes[i].w, &bytes[32 * i], 32);
  return hashes;
}

// As in `search-peers`: each match spread over 64 bits, summed.
static uint64_t checksum(const Matches& matches, const Hash256& query) {
  uint64_t sum = 0;
  for (const auto& match : matches) {
    uint64_t distance = match.first.hammingDistance(query);
    uint64_t z = (uint64_t{match.second} << 16 | distance) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    sum += z ^ (z >> 31);
  }
  return sum;
}

int main(int argc, char** argv) {
  if (argc != 5 || std::string(argv[2]) != "256") {
    std::cerr << "usage: meta-mih SEARCHER 256 HASHES QUERIES\n";
    return 1;
  }
  auto hashes = read_hashes(argv[3]);
  auto queries = read_hashes(argv[4]);
  auto resident = resident_kib();
  auto cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID);
  auto wall = std::chrono::steady_clock::now();
  facebook::pdq::index::MIH256<uint32_t> index;
  for (uint32_t id = 0; id < hashes.size(); id++) index.insert(hashes[id], id);
  std::chrono::duration<double> built = std::chrono::steady_clock::now() - wall;
  cpu = cpu_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  // It keeps a copy of the hashes; only what is beyond them is the index.
  auto grown = static_cast<int64_t>(1024 * (resident_kib() - resident)) -
      static_cast<int64_t>(32 * hashes.size());
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "{\"build_cpu_s\":" << cpu << ",\"build_wall_s\":" << built.count()
            << ",\"index_bytes\":" << (grown > 0 ? grown : 0)
            << ",\"peak_kib\":" << usage.ru_maxrss << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int radius;
    std::string mode;
    size_t count, first;
    words >> radius >> mode >> count >> first;
    double seconds = 0;
    std::ostringstream lens, checks;
    for (size_t i = 0; i < count; i++) {
      Matches matches;
      auto start = cpu_s(CLOCK_THREAD_CPUTIME_ID);
      index.queryAll(queries[first + i], radius, matches);
      seconds += cpu_s(CLOCK_THREAD_CPUTIME_ID) - start;
      lens << (i ? "," : "") << matches.size();
      checks << (i ? "," : "") << checksum(matches, queries[first + i]);
    }
    std::cout << "{\"us\":" << seconds * 1e6 / count << ",\"matches\":[" << lens.str()
              << "],\"checks\":[" << checks.str() << "]}" << std::endl;
  }
}
