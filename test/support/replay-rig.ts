import type { StreamSettings } from '../../src/stream/settings.ts';
import { HubRig, type Stream } from './hub-rig.ts';

/** The log has events 1 … `logged` from before the hub began, the ring those from there to `published`. */
export function rigWith(logged: number, published: number, settings: Partial<StreamSettings> = {}): HubRig {
  const rig = new HubRig(settings);
  for (let i = 1; i <= logged; i++) rig.log('events', `${i}`);
  rig.hub.begin(rig.id(logged));
  for (let i = logged + 1; i <= published; i++) rig.publish('events', `${i}`);
  return rig;
}

/** What those events say. */
export const numbers = (from: number, to: number) =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${from + i}`);

/** What the client was told of gaps. */
export const gaps = ({ transport }: Stream): readonly unknown[] =>
  transport.events.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data));
