import type { Context } from 'koa';

const EMPTY = new URLSearchParams();
/** By the request, which is not kept for it. */
const parsed = new WeakMap<object, URLSearchParams>();

/** What stands behind the path's `?`, to be read only; taken apart once a request, and mostly not there at all. */
export function queryOf({ querystring, req }: Context): URLSearchParams {
  if (querystring === '') return EMPTY;
  let query = parsed.get(req);
  if (query === undefined) {
    query = new URLSearchParams(querystring);
    parsed.set(req, query);
  }
  return query;
}
