/* What arrives: markers are counted and their stamps read; nothing else is parsed, since that would cost more than sending it. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "load-client.h"

static const char CHALLENGE[] = "event:challenge", END[] = "event:end";
static const uint8_t LAST_CHUNK[] = "0\r\n\r\n";

static void count(struct stream *stream, const uint8_t *bytes, size_t length, int64_t now) {
  const uint8_t *at = bytes, *end = bytes + length;
  uint32_t found = 0;
  int64_t last = -1;
  uint32_t alike = 0;
  while ((at = memchr(at, MARKER, (size_t)(end - at))) != NULL) {
    found++;
    if (at - bytes < STAMP_DIGITS) {
      /* Its stamp came with the read before: counted, without a latency. */
      totals.unstamped++;
    } else {
      int64_t stamp = 0;
      for (const uint8_t *digit = at - STAMP_DIGITS; digit < at; digit++) {
        if (*digit < '0' || *digit > '9') fail("an event has no stamp before its marker");
        stamp = stamp * 10 + (*digit - '0');
      }
      if (stamp == last) {
        alike++;
      } else {
        if (alike > 0) histogram_add(now - last, alike);
        last = stamp;
        alike = 1;
      }
    }
    at++;
  }
  if (alike > 0) histogram_add(now - last, alike);
  if (found > 0) {
    bool before = stream->markers < markers_owed;
    stream->markers += found;
    totals.markers += found;
    if (before && stream->markers >= markers_owed) {
      stream->complete_us = now;
      totals.complete++;
    }
  }
  if (options.ends) {
    if (memmem(bytes, length, CHALLENGE, sizeof CHALLENGE - 1) != NULL) stream->challenged_us = now;
    if (memmem(bytes, length, END, sizeof END - 1) != NULL) stream->ended_us = now;
    size_t tail = sizeof LAST_CHUNK - 1;
    stream->clean = length >= tail && memcmp(bytes + length - tail, LAST_CHUNK, tail) == 0;
  }
}

void head_arrived(struct connection *connection, struct stream *stream, int64_t now) {
  if (stream->opened_us != 0) return;
  stream->opened_us = now;
  connection->opened++;
  totals.opened++;
  if (markers_owed == 0) {
    stream->complete_us = now;
    totals.complete++;
  }
}

void received(struct connection *connection, const uint8_t *bytes, size_t length, int64_t now) {
  struct stream *stream = &streams[connection->first];
  if (stream->opened_us == 0) {
    if (length < 12 || memcmp(bytes, "HTTP/1.1 200", 12) != 0) {
      fail("a stream was refused: %.*s", (int)(length < 40 ? length : 40), (const char *)bytes);
    }
    head_arrived(connection, stream, now);
    /* The head itself holds no event; a token echoed there would not be one either. */
    const uint8_t *body = memmem(bytes, length, "\r\n\r\n", 4);
    if (body == NULL) return;
    length -= (size_t)(body + 4 - bytes);
    bytes = body + 4;
  }
  count(stream, bytes, length, now);
}

#define FRAME_DATA 0
#define FRAME_HEADERS 1
#define FRAME_RST 3
#define FRAME_SETTINGS 4
#define FRAME_PING 6
#define FRAME_GOAWAY 7
#define FLAG_ACK 1
#define FLAG_END_STREAM 1
#define STATUS_200 0x88
/* The connection's window is 2^31 - 1 to begin with; it is filled up again after half of that. */
#define WINDOW_HALF (1u << 30)

static void http2_frame(struct connection *connection) {
  if (connection->type == FRAME_SETTINGS && !(connection->flags & FLAG_ACK)) {
    static const uint8_t ack[9] = {0, 0, 0, FRAME_SETTINGS, FLAG_ACK};
    send_all(connection->fd, ack, sizeof ack);
  }
  if (connection->type == FRAME_PING && !(connection->flags & FLAG_ACK)) fail("an HTTP/2 peer asks for an answer to its ping");
  if (connection->type == FRAME_GOAWAY && !options.ends) fail("an HTTP/2 connection was told to go away");
  if (connection->type == FRAME_RST && !options.ends) fail("an HTTP/2 stream was reset");
}

void received_http2(struct connection *connection, const uint8_t *bytes, size_t length, int64_t now) {
  connection->unacknowledged += length;
  if (connection->unacknowledged > WINDOW_HALF) {
    uint32_t more = (uint32_t)connection->unacknowledged;
    uint8_t frame[13] = {0, 0, 4, 8, 0, 0, 0, 0, 0, more >> 24, more >> 16, more >> 8, more};
    send_all(connection->fd, frame, sizeof frame);
    connection->unacknowledged = 0;
  }
  while (length > 0) {
    if (connection->head_bytes < 9) {
      connection->head[connection->head_bytes++] = *bytes++;
      length--;
      if (connection->head_bytes < 9) continue;
      const uint8_t *head = connection->head;
      connection->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
      connection->type = head[3];
      connection->flags = head[4];
      connection->stream = (uint32_t)(head[5] & 0x7f) << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
      connection->first_byte = true;
      http2_frame(connection);
    }
    uint32_t index = connection->stream > 0 ? (connection->stream - 1) / 2 : 0;
    struct stream *stream = index < connection->streams ? &streams[connection->first + index] : NULL;
    size_t part = length < connection->left ? length : connection->left;
    if (part > 0 && stream != NULL && connection->stream > 0) {
      if (connection->type == FRAME_HEADERS && connection->first_byte && stream->opened_us == 0) {
        if (bytes[0] != STATUS_200) fail("an HTTP/2 stream was refused");
        head_arrived(connection, stream, now);
      }
      if (connection->type == FRAME_DATA) count(stream, bytes, part, now);
      connection->first_byte = false;
    }
    bytes += part;
    length -= part;
    connection->left -= (uint32_t)part;
    if (connection->left == 0) {
      if (connection->type == FRAME_DATA && (connection->flags & FLAG_END_STREAM) && stream != NULL) {
        if (!options.ends) fail("an HTTP/2 stream has ended");
        stream->clean = true;
      }
      connection->head_bytes = 0;
    }
  }
}

void send_all(int fd, const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t sent = send(fd, at, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) fail("a request could not be sent: %s", strerror(errno));
    at += sent;
    length -= (size_t)sent;
  }
}
