/** V8 compiles nothing, and so notes nothing, before a function has been called some ten times. */
const READS = 1000;

/**
 * To be called when ioredis has been loaded: it derives a class from String. From then on V8 keeps `String.prototype` as a
 * dictionary, as it does with any prototype that is being set up, until a property is read from an object that has it.
 * Strings are not objects, so that never came: every `slice`, `indexOf` and `charCodeAt` of the process was looked up by
 * its name, in optimised code as well, at twice the time.
 */
export function mendStringPrototype(): void {
  for (let read = 0; read < READS; read++) lengthOf(Object(''));
}

function lengthOf(text: { readonly length: number }): number {
  return text.length;
}
