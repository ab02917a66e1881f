/* Latencies in buckets of 20 microseconds up to ten seconds; what is later counts as ten seconds, its maximum is kept. */
#include <string.h>

#include "load-client.h"

#define BUCKET_US 20
#define BUCKETS 500000

static uint64_t buckets[BUCKETS], count;
static int64_t greatest;

void histogram_reset(void) {
  memset(buckets, 0, sizeof buckets);
  count = 0;
  greatest = 0;
}

void histogram_add(int64_t us, uint32_t times) {
  if (us < 0) us = 0;
  if (us > greatest) greatest = us;
  int64_t bucket = us / BUCKET_US;
  buckets[bucket < BUCKETS ? bucket : BUCKETS - 1] += times;
  count += times;
}

int64_t histogram_quantile(double share) {
  uint64_t rank = (uint64_t)(share * (double)count), seen = 0;
  for (int bucket = 0; bucket < BUCKETS; bucket++) {
    seen += buckets[bucket];
    if (seen > rank) return (int64_t)bucket * BUCKET_US;
  }
  return greatest;
}

int64_t histogram_max(void) { return greatest; }
uint64_t histogram_count(void) { return count; }
