import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { type ClientParts, type Endpoint, LOOPBACK } from '../consistency/client-parts.ts';
import { PATHS } from '../consistency/deployment.ts';

/** A little more than the cache of verified tokens takes; what is full at the beginning cannot grow. */
const TOKENS = 10_200;
const AT_ONCE = 4;
const TOKEN_MS = 30_000;

/** Shows a gateway so many good tokens for a topic that they do not grant: verified, remembered, refused. */
export async function fillTokenCache({ port }: Endpoint, mint: ClientParts['mint']): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const { path, guard } = PATHS[0];
  let shown = 0;
  const show = async (): Promise<void> => {
    while (shown < TOKENS) {
      const now = Date.now();
      const subject = `filler-${shown++}`;
      const marks = { jti: subject, sid: subject };
      const token = mint({ guard, subject, topics: [] }, now, now + TOKEN_MS, marks);
      const get = request({
        host: LOOPBACK,
        port,
        path: `${path}?topic=none`,
        agent,
        headers: { authorization: `Bearer ${token}` },
      });
      get.end();
      const [response]: IncomingMessage[] = await once(get, 'response');
      if (response?.statusCode !== 403) throw new Error(`expected a refusal, got ${response?.statusCode}`);
      await once(response.resume(), 'end');
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, show));
  } finally {
    agent.destroy();
  }
}
