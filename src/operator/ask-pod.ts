import { get } from 'node:http';
import { type PodReport, parsePodReport } from './pod-report.ts';
import { ADMIN_PORT } from './resources/workload.ts';

const ANSWER_MS = 1_000;
const ANSWER_BYTES_MAX = 1_048_576;

/** A pod to be asked. */
export interface PodPlace {
  readonly ip: string;
}

/** Never rejects: why there is no answer is the answer. */
export type AskPod = (
  place: PodPlace,
  signal: AbortSignal,
) => Promise<PodReport | { readonly fault: string }>;

/** Asks a gateway pod's `/status`. Its text is never quoted: whoever has the address now may say anything. */
export const askPod: AskPod = async ({ ip }, signal) => {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const report = parsePodReport(JSON.parse(await fetchStatus(ip, limit)));
    return report ?? { fault: 'does not answer as a gateway does' };
  } catch (error) {
    return { fault: faultOf(error, limit) };
  }
};

function fetchStatus(host: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port: ADMIN_PORT, path: '/status', signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error('answer too long'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new SyntaxError('not 200'));
      });
    });
    request.on('error', reject);
  });
}

function faultOf(error: unknown, limit: AbortSignal): string {
  if (limit.aborted) return `no answer within ${ANSWER_MS / 1000} s`;
  if (error instanceof SyntaxError) return 'does not answer as a gateway does';
  return error instanceof Error && 'code' in error ? String(error.code) : 'can not be reached';
}
