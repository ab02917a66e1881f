/* Opening, reading and leaving alone: so many attempts at once, over several loopback addresses. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load-client.h"

struct request {
  uint32_t length;
  char *bytes;
};

static struct request *requests;
static uint32_t requests_count;
static struct connection *connections;
static uint32_t connections_count, to_open, under_way, under_way_max;
static uint8_t buffer[1 << 18];

/* Each: `LENGTH\n`, then so many bytes: a request of HTTP/1.1, or a header block of HTTP/2. */
void read_requests(const char *file) {
  FILE *in = fopen(file, "rb");
  if (in == NULL) fail("%s: %s", file, strerror(errno));
  unsigned length;
  uint32_t room = 0;
  while (fscanf(in, "%u", &length) == 1 && fgetc(in) == '\n') {
    if (requests_count == room) {
      room = room == 0 ? 16 : room * 2;
      requests = realloc(requests, room * sizeof *requests);
    }
    char *bytes = malloc(length);
    if (requests == NULL || bytes == NULL || fread(bytes, 1, length, in) != length) fail("%s is cut short", file);
    requests[requests_count++] = (struct request){length, bytes};
  }
  fclose(in);
  if (requests_count == 0) fail("%s holds no request", file);
}

static void connect_one(void) {
  uint32_t index = connections_count++;
  struct connection *connection = &connections[index];
  uint32_t streams_here = to_open < (uint32_t)options.per_connection ? to_open : (uint32_t)options.per_connection;
  *connection = (struct connection){.first = streams_count, .streams = streams_here};
  to_open -= streams_here;
  streams_count += streams_here;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("a socket: %s; the hard limit of open files is what `ulimit -Hn` says", strerror(errno));
  connection->fd = fd;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (options.receive_buffer > 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof options.receive_buffer);
  }
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002u + index % (uint32_t)options.sources)};
  if (bind(fd, (struct sockaddr *)&from, sizeof from) < 0) fail("a source address: %s", strerror(errno));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.ports[index % (uint32_t)options.ports_count])};
  if (inet_pton(AF_INET, options.host, &to.sin_addr) != 1) fail("--host takes an IPv4 address");
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) fail("a connection: %s", strerror(errno));
  under_way++;
  watch(EPOLL_CTL_ADD, fd, EPOLLOUT, TAG_CONNECTION, index);
}

static void open_more(void) {
  while (to_open > 0 && under_way < under_way_max) connect_one();
}

void open_streams(uint32_t count, uint32_t at_once) {
  streams = realloc(streams, (streams_count + count) * sizeof *streams);
  uint32_t more = (count + (uint32_t)options.per_connection - 1) / (uint32_t)options.per_connection;
  connections = realloc(connections, (connections_count + more) * sizeof *connections);
  if (streams == NULL || connections == NULL) fail("no memory");
  memset(streams + streams_count, 0, count * sizeof *streams);
  to_open = count;
  under_way_max = at_once;
  open_more();
}

static void send_requests_http2(struct connection *connection) {
  static const uint8_t preface[] =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      /* SETTINGS: no push, a stream's window of 2^31 - 1. */
      "\0\0\x0c\x04\0\0\0\0\0" "\0\x02\0\0\0\0" "\0\x04\x7f\xff\xff\xff"
      /* WINDOW_UPDATE of the connection, to the same. */
      "\0\0\x04\x08\0\0\0\0\0" "\x7f\xff\x00\x00";
  send_all(connection->fd, preface, sizeof preface - 1);
  for (uint32_t index = 0; index < connection->streams; index++) {
    const struct request *request = &requests[(connection->first + index) % requests_count];
    uint32_t id = index * 2 + 1;
    uint8_t head[9] = {request->length >> 16, request->length >> 8, request->length, 1, 0x05, id >> 24, id >> 16, id >> 8, id};
    send_all(connection->fd, head, sizeof head);
    send_all(connection->fd, request->bytes, request->length);
  }
}

static void send_request(struct connection *connection) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) fail("a connection: %s", strerror(error));
  connection->connected = true;
  if (options.per_connection > 1) {
    /* So many requests may not fit at once; the peer reads them all the same. */
    int flags = fcntl(connection->fd, F_GETFL);
    fcntl(connection->fd, F_SETFL, flags & ~O_NONBLOCK);
    send_requests_http2(connection);
    fcntl(connection->fd, F_SETFL, flags);
  } else {
    const struct request *request = &requests[connection->first % requests_count];
    send_all(connection->fd, request->bytes, request->length);
  }
  watch(EPOLL_CTL_MOD, connection->fd, EPOLLIN, TAG_CONNECTION, (uint32_t)(connection - connections));
}

static void closed(struct connection *connection, const char *how) {
  if (!options.ends) fail("a stream was closed: %s", how);
  int64_t now = now_us();
  for (uint32_t index = 0; index < connection->streams; index++) {
    struct stream *stream = &streams[connection->first + index];
    if (stream->ended_us == 0) {
      stream->ended_us = now;
      stream->clean = false;
    }
  }
  totals.closed += connection->streams;
  close(connection->fd);
  connection->fd = -1;
}

void connection_ready(uint32_t index, uint32_t events) {
  struct connection *connection = &connections[index];
  if (connection->fd < 0) return;
  if (!connection->connected) {
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) send_request(connection);
    return;
  }
  ssize_t length = read(connection->fd, buffer, sizeof buffer);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) return closed(connection, length == 0 ? "end" : strerror(errno));
  totals.reads++;
  totals.bytes += (uint64_t)length;
  bool opening = connection->opened < connection->streams;
  if (options.per_connection > 1) received_http2(connection, buffer, (size_t)length, now_us());
  else received(connection, buffer, (size_t)length, now_us());
  if (opening && connection->opened == connection->streams) {
    under_way--;
    open_more();
  }
}

/* The first ones are not read any more, as a client that hangs. */
void stall_streams(uint32_t count) {
  for (uint32_t index = 0; index < connections_count && connections[index].first < count; index++) {
    struct connection *connection = &connections[index];
    if (connection->stalled) continue;
    connection->stalled = true;
    watch(EPOLL_CTL_DEL, connection->fd, 0, TAG_CONNECTION, index);
    totals.receivers -= connection->streams;
  }
}

void close_all(void) {
  for (uint32_t index = 0; index < connections_count; index++) {
    if (connections[index].fd >= 0) close(connections[index].fd);
  }
  connections_count = streams_count = under_way = 0;
}
