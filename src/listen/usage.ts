/** `tidegate listen --help`; each rule in it has its test. */
export const LISTEN_USAGE = `Usage: tidegate listen [FLAGS] URL

Follows a stream: prints its events, answers its challenges, reconnects and resumes where it was.
Events go to standard output, everything else to standard error. Ctrl-C ends it.

  --json                one JSON object a line: {"id":"…","event":"…","data":"…"}
  --topic T             only this topic of the stream; may be repeated
  --last-event-id ID    begin after this event

  --token-command CMD   /bin/sh -c CMD prints a token: the first, and a fresh one for each challenge (within 10 s)
  --token-file FILE     the same from a file, which is read again each time
  --token TOKEN         one token for good: no challenge is answered. Other users of this machine can see it in \`ps\`

  --ca FILE             trust this authority (PEM) instead of the system's
  --insecure            trust any certificate: for experiments only
  --max-attempts N      give up after N attempts in a row that brought no event (default: never)

Without --json an event is one line: id, event type and data, separated by tabs. A line break in the data is shown as \\n
and other control characters as \\u001b, so that no event can drive the terminal; --json is exact.
A gap (events that are no longer retained) is a line of standard error, and with --json an object of type "gap" as well.

A lost connection is tried again after 0.5–1 s, doubling up to 30 s, but not before the server's retry: or Retry-After.
A connection counts as lost after 60 s of silence; where heartbeats turn out to be rarer, after three of them.

Exit code: 0 ended by Ctrl-C, SIGTERM or the reader of standard output
           1 no token could be had, or bad input
           2 wrong usage
           3 the server could not be reached, or --max-attempts were made
           4 the token expired and could not be renewed
           5 the server ended the stream for good
           6 the server refused the stream
`;
