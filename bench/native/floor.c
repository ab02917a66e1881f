/*
 * The floor of the benches: a broadcaster of bare sockets and one epoll, which every other server is measured against.
 *
 * A line on the publishing port becomes one event, framed once as an HTTP chunk and sent to every stream with one
 * `send` each. It parses no HTTP, guards nothing, keeps nothing, and gives up on a peer that does not read. Prints
 * `{"port":…,"publishPort":…}`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAMS_MAX 65536
#define EVENTS_MAX 512
enum { NEW, STREAM, PRODUCER };

static const char HEAD[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
static int poller, streams[STREAMS_MAX], streams_count;
static unsigned char kind[STREAMS_MAX];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int listen_on(int *port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 8192) < 0) fail("listen");
  getsockname(fd, (struct sockaddr *)&at, &size);
  *port = ntohs(at.sin_port);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll");
  return fd;
}

static void admit(int listener, unsigned char as) {
  int fd, on = 1;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    if (fd >= STREAMS_MAX) fail("too many streams");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    kind[fd] = as;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll");
  }
}

static void broadcast(const char *line, size_t length) {
  static char block[1 << 17], chunk[1 << 17];
  static unsigned long sequence;
  int body = snprintf(block, sizeof block, "id:1700000000000-%lu\ndata:%.*s\n\n", sequence++, (int)length, line);
  int bytes = snprintf(chunk, sizeof chunk, "%x\r\n%s\r\n", body, block);
  for (int at = 0; at < streams_count; at++) {
    if (send(streams[at], chunk, (size_t)bytes, MSG_NOSIGNAL) != bytes) fail("send");
  }
}

static void leave(int fd) {
  for (int at = 0; at < streams_count; at++) {
    if (streams[at] == fd) {
      streams[at] = streams[--streams_count];
      break;
    }
  }
  close(fd);
}

static void produce(int fd) {
  static char lines[1 << 17];
  static size_t length;
  ssize_t got = read(fd, lines + length, sizeof lines - length);
  if (got <= 0) {
    close(fd);
    return;
  }
  length += (size_t)got;
  char *at = lines, *end;
  while ((end = memchr(at, '\n', length)) != NULL) {
    broadcast(at, (size_t)(end - at));
    length -= (size_t)(end + 1 - at);
    at = end + 1;
  }
  memmove(lines, at, length);
}

static void ready(int fd) {
  static char request[1 << 14];
  if (kind[fd] == PRODUCER) return produce(fd);
  ssize_t got = read(fd, request, sizeof request);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return leave(fd);
  if (kind[fd] == STREAM) return;
  kind[fd] = STREAM;
  if (send(fd, HEAD, sizeof HEAD - 1, MSG_NOSIGNAL) < 0) return leave(fd);
  streams[streams_count++] = fd;
}

int main(void) {
  struct rlimit files = {STREAMS_MAX, STREAMS_MAX};
  if (setrlimit(RLIMIT_NOFILE, &files) < 0) {
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  poller = epoll_create1(EPOLL_CLOEXEC);
  int port, publish_port;
  int listener = listen_on(&port), publisher = listen_on(&publish_port);
  printf("{\"port\":%d,\"publishPort\":%d}\n", port, publish_port);
  fflush(stdout);
  static struct epoll_event events[EVENTS_MAX];
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS_MAX, -1);
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      if (fd == listener) admit(fd, NEW);
      else if (fd == publisher) admit(fd, PRODUCER);
      else ready(fd);
    }
  }
}
