/* The producer, in the same process and on the same clock as the clients: no event waits for another process to notice. */
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

#define AHEAD_BYTES 65536

uint64_t published, owed_in_total, answered;

static struct publication *publications;
static uint32_t publications_count, next;
static int fd = -1;
static char *unsent;
static size_t unsent_bytes, unsent_room;

/* Each: `RECEIVERS LENGTH\n` (receivers 0: all open streams), then so many bytes, where 16 `@` are to be the stamp. */
void read_publications(const char *file) {
  FILE *in = fopen(file, "rb");
  if (in == NULL) fail("%s: %s", file, strerror(errno));
  unsigned receivers, length;
  uint32_t room = 0;
  while (fscanf(in, "%u %u", &receivers, &length) == 2 && fgetc(in) == '\n') {
    if (publications_count == room) {
      room = room == 0 ? 16 : room * 2;
      publications = realloc(publications, room * sizeof *publications);
    }
    char *bytes = malloc(length);
    if (publications == NULL || bytes == NULL || fread(bytes, 1, length, in) != length) fail("%s is cut short", file);
    char *stamp = memmem(bytes, length, "@@@@@@@@@@@@@@@@", STAMP_DIGITS);
    if (stamp == NULL) fail("%s has no place for the stamp", file);
    publications[publications_count++] = (struct publication){receivers, length, bytes, stamp};
  }
  fclose(in);
}

void publish_connect(void) {
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.publish_port)};
  inet_pton(AF_INET, options.host, &to.sin_addr);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("the publishing port: %s", strerror(errno));
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  watch(EPOLL_CTL_ADD, fd, EPOLLIN, TAG_PUBLISHER, 0);
}

static void keep(const char *bytes, size_t length) {
  if (unsent_bytes + length > unsent_room) {
    unsent_room = (unsent_bytes + length) * 2;
    unsent = realloc(unsent, unsent_room);
    if (unsent == NULL) fail("no memory");
  }
  memcpy(unsent + unsent_bytes, bytes, length);
  unsent_bytes += length;
  watch(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, TAG_PUBLISHER, 0);
}

static struct publication *stamped(void) {
  if (fd < 0) publish_connect();
  if (publications_count == 0) fail("there is nothing to publish");
  struct publication *one = &publications[next++ % publications_count];
  char stamp[STAMP_DIGITS + 1];
  snprintf(stamp, sizeof stamp, "%016lld", (long long)now_us());
  memcpy(one->stamp, stamp, STAMP_DIGITS);
  published++;
  return one;
}

void publish_one(void) {
  struct publication *one = stamped();
  owed_in_total += one->receivers > 0 ? one->receivers : totals.receivers;
  if (unsent_bytes > 0) return keep(one->bytes, one->length);
  ssize_t sent = send(fd, one->bytes, one->length, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) fail("publishing: %s", strerror(errno));
  if (sent < 0) sent = 0;
  if ((size_t)sent < one->length) keep(one->bytes + sent, one->length - (size_t)sent);
}

/* As much as the socket and a buffer take, for nobody here to receive. */
void publish_ahead(uint64_t until) {
  while (published < until && unsent_bytes < AHEAD_BYTES) {
    struct publication *one = stamped();
    keep(one->bytes, one->length);
  }
}

void publisher_ready(uint32_t events) {
  static char answer[1 << 16];
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    /* Answers over HTTP come here; of TCP nothing does unless a line is refused. */
    ssize_t length = read(fd, answer, sizeof answer - 1);
    if (length == 0) fail("the publishing connection was closed");
    if (length > 0) {
      answer[length] = 0;
      for (const char *at = answer; (at = memchr(at, '\n', (size_t)(answer + length - at))) != NULL; at++) answered++;
      if (strncmp(answer, "HTTP/1.1 ", 9) == 0 ? answer[9] != '2' : strstr(answer, "\"error\"") != NULL) {
        fail("publishing was refused: %.300s", answer);
      }
    }
  }
  if ((events & EPOLLOUT) && unsent_bytes > 0) {
    ssize_t sent = send(fd, unsent, unsent_bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) fail("publishing: %s", strerror(errno));
    if (sent > 0) {
      unsent_bytes -= (size_t)sent;
      memmove(unsent, unsent + sent, unsent_bytes);
    }
    if (unsent_bytes == 0) watch(EPOLL_CTL_MOD, fd, EPOLLIN, TAG_PUBLISHER, 0);
  }
}
