import { readErrorText } from '../core/file-bytes.ts';
import { crossCheck } from './cross-check.ts';
import { type Fault, sortFaults } from './fault.ts';
import { decodeText } from './file-text.ts';
import { type Contents, placeDocuments } from './placed.ts';

/**
 * Judges files together, as one configuration would be that is spread over them: a guard may stand in another file
 * than the gateway that names it. Files with guards only are fine, and so are several gateways.
 *
 * @param read gives a file's bytes, or rejects as `node:fs` does (`readFileBytes`)
 * @returns every fault, in the order of the files and of their lines; never rejects because of a file
 */
export async function checkFiles(
  files: readonly string[],
  read: (file: string) => Promise<Uint8Array>,
): Promise<readonly Fault[]> {
  const contents: Contents[] = [];
  for (const file of new Set(files)) contents.push(await contentsOf(file, read));
  const placed = contents.flatMap((each) => each.placed);
  const complete = contents.every((each) => each.complete);
  const faults = [...contents.flatMap((each) => each.faults), ...crossCheck(placed, complete)];
  return sortFaults(faults, files);
}

async function contentsOf(file: string, read: (file: string) => Promise<Uint8Array>): Promise<Contents> {
  const unread = (fault: Fault): Contents => ({ placed: [], faults: [fault], complete: false });
  let bytes: Uint8Array;
  try {
    bytes = await read(file);
  } catch (error) {
    return unread({ file, path: '', rule: readErrorText(error) });
  }
  const decoded = decodeText(bytes, file);
  if (!decoded.ok) return unread(decoded.fault);
  const contents = placeDocuments(decoded.text, file);
  if (contents.placed.length > 0 || contents.faults.length > 0) return contents;
  return { ...contents, faults: [{ file, path: '', rule: 'must hold a JwtGuard or an EventGateway' }] };
}
