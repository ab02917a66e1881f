/* The load client of the benches: what its parts share. One thread, one epoll, everything in plain arrays. */
#ifndef LOAD_CLIENT_H
#define LOAD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every event's data ends with 16 digits, microseconds of the wall clock when it was published, and this byte. */
#define MARKER '~'
#define STAMP_DIGITS 16

struct stream {
  int64_t opened_us, complete_us, challenged_us, ended_us;
  uint32_t markers;
  bool clean;
};

struct connection {
  int fd;
  uint32_t first, streams;
  uint32_t opened;
  bool connected, stalled;
  /* HTTP/2: the frame that is being read. */
  uint8_t head[9];
  uint32_t head_bytes, left, stream;
  uint8_t type, flags;
  bool first_byte;
  uint64_t unacknowledged;
};

struct publication {
  uint32_t receivers, length;
  char *bytes, *stamp;
};

struct options {
  const char *host;
  int ports[8], ports_count, publish_port, sources, per_connection, receive_buffer;
  bool ends;
};

struct totals {
  uint64_t markers, reads, bytes, unstamped;
  uint32_t opened, complete, closed, receivers;
};

extern struct options options;
extern struct totals totals;
extern struct stream *streams;
extern uint32_t streams_count;
/* So many markers make a stream complete; 0: its head does. */
extern uint32_t markers_owed;

int64_t now_us(void);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* connections.c */
void open_streams(uint32_t count, uint32_t at_once);
void connection_ready(uint32_t index, uint32_t events);
void stall_streams(uint32_t count);
void close_all(void);
void read_requests(const char *file);

/* receive.c */
void received(struct connection *connection, const uint8_t *bytes, size_t length, int64_t now);
void received_http2(struct connection *connection, const uint8_t *bytes, size_t length, int64_t now);
void head_arrived(struct connection *connection, struct stream *stream, int64_t now);
void send_all(int fd, const void *bytes, size_t length);

/* publish.c */
void read_publications(const char *file);
void publish_connect(void);
void publish_one(void);
void publish_ahead(uint64_t until);
void publisher_ready(uint32_t events);
extern uint64_t published, owed_in_total, answered;

/* histogram.c */
void histogram_reset(void);
void histogram_add(int64_t us, uint32_t times);
int64_t histogram_quantile(double share);
int64_t histogram_max(void);
uint64_t histogram_count(void);

#define TAG_CONNECTION 0u
#define TAG_COMMANDS 1u
#define TAG_PUBLISHER 2u
#define TAG_PACE 3u
void watch(int operation, int fd, uint32_t events, uint32_t tag, uint32_t index);

#endif
