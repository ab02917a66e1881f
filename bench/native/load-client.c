/*
 * The load client of the benches: thousands of event streams from one thread, and the producer that feeds them.
 *
 *   load-client --port PORT… --requests FILE [--publish-port PORT --publications FILE] [--host 127.0.0.1]
 *               [--sources 4] [--http2 STREAMS_PER_CONNECTION] [--receive-buffer BYTES] [--ends]
 *
 * Commands come as lines on standard input, one at a time; each is answered by one JSON object on standard output.
 *
 *   open COUNT AT_ONCE MARKERS   opens streams; answered when each has its 200 and so many markers
 *   each COUNT                   publishes so many events, each when all who are owed the one before have it
 *   paced RATE SECONDS           publishes at a steady rate; answered when all have arrived
 *   lines COUNT                  publishes flat out, to nobody; answered when each line has been, by a line
 *   stall COUNT                  the first streams are not read any more
 *   ends                         answered when every stream has been closed (with --ends, which lets them)
 *   dump FILE                    a line for each stream: opened, complete, challenged, ended (microseconds, 0: never), clean, markers
 *   close                        closes all
 *
 * What would make a figure wrong ends it with exit code 1 and a sentence: a refusal, a stream that is closed, an event
 * more than was published, one without a stamp.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "load-client.h"

#define EVENTS_MAX 512
#define PACE_NS 1000000

struct options options = {.host = "127.0.0.1", .sources = 4, .per_connection = 1};
struct totals totals;
struct stream *streams;
uint32_t streams_count, markers_owed;

static int poller, pacer;
static enum { IDLE, OPENING, EACH, PACED, DRAINING, LINES, ENDING } doing = IDLE;
static struct totals before;
static uint64_t published_before, answered_before, to_publish;
static double rate, seconds;
static int64_t began, late_max;
static struct rusage used_before;

int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("load-client: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

void watch(int operation, int fd, uint32_t events, uint32_t tag, uint32_t index) {
  struct epoll_event event = {.events = events, .data.u64 = (uint64_t)tag << 32 | index};
  if (epoll_ctl(poller, operation, fd, &event) < 0) fail("epoll: %s", strerror(errno));
}

static int64_t cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec - used_before.ru_utime.tv_sec + used.ru_stime.tv_sec - used_before.ru_stime.tv_sec) * 1000000LL +
         (used.ru_utime.tv_usec - used_before.ru_utime.tv_usec + used.ru_stime.tv_usec - used_before.ru_stime.tv_usec);
}

static void begin(int what) {
  doing = what;
  before = totals;
  published_before = published;
  answered_before = answered;
  late_max = 0;
  histogram_reset();
  getrusage(RUSAGE_SELF, &used_before);
  began = now_us();
}

static void finish(void) {
  int64_t took = now_us() - began;
  doing = IDLE;
  printf("{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"open\":%u,\"closed\":%u,\"published\":%llu,\"deliveries\":%llu,\"reads\":%llu,\"bytes\":%llu,"
         "\"unstamped\":%llu,\"lateMs\":%.3f,\"latencyMs\":{\"count\":%llu,\"p50\":%.3f,\"p95\":%.3f,\"p99\":%.3f,\"max\":%.3f}}\n",
         (double)took / 1e6, (double)cpu_us() / 1e6, totals.opened - totals.closed, totals.closed,
         (unsigned long long)(published - published_before), (unsigned long long)(totals.markers - before.markers),
         (unsigned long long)(totals.reads - before.reads), (unsigned long long)(totals.bytes - before.bytes),
         (unsigned long long)(totals.unstamped - before.unstamped), (double)late_max / 1e3,
         (unsigned long long)histogram_count(), (double)histogram_quantile(0.5) / 1e3, (double)histogram_quantile(0.95) / 1e3,
         (double)histogram_quantile(0.99) / 1e3, (double)histogram_max() / 1e3);
  fflush(stdout);
}

static void pace(void) {
  uint64_t ticks;
  if (read(pacer, &ticks, sizeof ticks) < 0 || doing != PACED) return;
  double elapsed = (double)(now_us() - began) / 1e6;
  uint64_t due = (uint64_t)((elapsed < seconds ? elapsed : seconds) * rate);
  while (published - published_before < due) {
    int64_t late = now_us() - began - (int64_t)((double)(published - published_before + 1) / rate * 1e6);
    if (late > late_max) late_max = late;
    publish_one();
  }
  if (elapsed >= seconds) {
    struct itimerspec never = {0};
    timerfd_settime(pacer, 0, &never, NULL);
    doing = DRAINING;
  }
}

static void dump(const char *file) {
  FILE *out = fopen(file, "w");
  if (out == NULL) fail("%s: %s", file, strerror(errno));
  for (uint32_t index = 0; index < streams_count; index++) {
    struct stream *stream = &streams[index];
    fprintf(out, "%lld %lld %lld %lld %d %u\n", (long long)stream->opened_us, (long long)stream->complete_us,
            (long long)stream->challenged_us, (long long)stream->ended_us, stream->clean, stream->markers);
  }
  if (fclose(out) != 0) fail("%s: %s", file, strerror(errno));
}

static void command(char *line) {
  unsigned count, at_once, markers;
  char file[4096];
  if (sscanf(line, "open %u %u %u", &count, &at_once, &markers) == 3) {
    begin(OPENING);
    markers_owed = markers;
    totals.receivers += count;
    owed_in_total += (uint64_t)count * markers;
    open_streams(count, at_once);
  } else if (sscanf(line, "each %u", &count) == 1) {
    begin(EACH);
    to_publish = count;
    publish_one();
  } else if (sscanf(line, "paced %lf %lf", &rate, &seconds) == 2) {
    begin(PACED);
    struct itimerspec often = {{0, PACE_NS}, {0, PACE_NS}};
    timerfd_settime(pacer, 0, &often, NULL);
  } else if (sscanf(line, "lines %u", &count) == 1) {
    begin(LINES);
    to_publish = count;
  } else if (sscanf(line, "stall %u", &count) == 1) {
    begin(IDLE);
    stall_streams(count);
    finish();
  } else if (strcmp(line, "ends") == 0) {
    begin(ENDING);
  } else if (sscanf(line, "dump %4095s", file) == 1) {
    begin(IDLE);
    dump(file);
    finish();
  } else if (strcmp(line, "close") == 0) {
    begin(IDLE);
    close_all();
    memset(&totals, 0, sizeof totals);
    owed_in_total = 0;
    finish();
  } else {
    fail("unknown command: %s", line);
  }
}

static void commands(void) {
  static char line[8192];
  static size_t length;
  ssize_t got = read(STDIN_FILENO, line + length, sizeof line - 1 - length);
  if (got <= 0) exit(0);
  length += (size_t)got;
  line[length] = 0;
  char *end;
  while ((end = strchr(line, '\n')) != NULL) {
    *end = 0;
    if (doing != IDLE) fail("a command before the last one was answered: %s", line);
    command(line);
    length -= (size_t)(end + 1 - line);
    memmove(line, end + 1, length + 1);
  }
}

static void look(void) {
  /* A client that does not publish can't know what is owed. */
  if (options.publish_port != 0 && doing != OPENING && totals.markers > owed_in_total) fail("%llu events more than are owed", (unsigned long long)(totals.markers - owed_in_total));
  switch (doing) {
  case OPENING:
    if (totals.opened - before.opened + 0u < totals.receivers - before.receivers) return;
    if (totals.complete - before.complete < totals.receivers - before.receivers) return;
    return finish();
  case EACH:
    while (doing == EACH && totals.markers == owed_in_total) {
      if (published - published_before == to_publish) finish();
      else publish_one();
    }
    return;
  case DRAINING:
    if (totals.markers == owed_in_total) finish();
    return;
  case LINES:
    publish_ahead(published_before + to_publish);
    if (answered - answered_before == to_publish) finish();
    return;
  case ENDING:
    if (totals.closed == totals.opened) finish();
    return;
  default:
    return;
  }
}

static int number(const char *text) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*end != 0 || value < 0 || value > 1 << 30) fail("not a number: %s", text);
  return (int)value;
}

static void parse(int count, char **arguments) {
  const char *requests = NULL, *publications = NULL;
  for (int at = 1; at < count; at++) {
    const char *name = arguments[at], *value = at + 1 < count ? arguments[at + 1] : "";
    if (strcmp(name, "--ends") == 0) {
      options.ends = true;
      continue;
    }
    at++;
    if (strcmp(name, "--port") == 0) {
      if (options.ports_count == 8) fail("at most 8 ports");
      options.ports[options.ports_count++] = number(value);
    }
    else if (strcmp(name, "--publish-port") == 0) options.publish_port = number(value);
    else if (strcmp(name, "--host") == 0) options.host = value;
    else if (strcmp(name, "--sources") == 0) options.sources = number(value);
    else if (strcmp(name, "--http2") == 0) options.per_connection = number(value);
    else if (strcmp(name, "--receive-buffer") == 0) options.receive_buffer = number(value);
    else if (strcmp(name, "--requests") == 0) requests = value;
    else if (strcmp(name, "--publications") == 0) publications = value;
    else fail("unknown option %s", name);
  }
  if (requests == NULL || options.ports_count == 0) fail("--port and --requests are needed");
  if (options.sources < 1 || options.per_connection < 1) fail("--sources and --http2 take at least 1");
  read_requests(requests);
  if (publications != NULL) read_publications(publications);
}

int main(int count, char **arguments) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  struct rlimit more = {1 << 16, files.rlim_max > 1 << 16 ? files.rlim_max : 1 << 16};
  if (setrlimit(RLIMIT_NOFILE, &more) < 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  poller = epoll_create1(EPOLL_CLOEXEC);
  pacer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (poller < 0 || pacer < 0) fail("epoll: %s", strerror(errno));
  parse(count, arguments);
  watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, TAG_COMMANDS, 0);
  watch(EPOLL_CTL_ADD, pacer, EPOLLIN, TAG_PACE, 0);
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int ready = epoll_wait(poller, events, EVENTS_MAX, -1);
    if (ready < 0 && errno != EINTR) fail("epoll: %s", strerror(errno));
    for (int at = 0; at < ready; at++) {
      uint32_t index = (uint32_t)events[at].data.u64;
      switch (events[at].data.u64 >> 32) {
      case TAG_CONNECTION: connection_ready(index, events[at].events); break;
      case TAG_PUBLISHER: publisher_ready(events[at].events); break;
      case TAG_PACE: pace(); break;
      default: commands();
      }
    }
    look();
  }
}
