/** A gateway refuses longer ones. */
const ID_BYTES_MAX = 254;

/** Whether a `Last-Event-ID` header can carry it as it is (RFC 9110, 5.5). */
export function isResumable(id: string): boolean {
  return id.length <= ID_BYTES_MAX && /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(id);
}
