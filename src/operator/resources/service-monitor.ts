import { SERVICE_MONITORS } from '../kinds.ts';
import { childName, GATEWAY_LABEL } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';

/** Tells the Prometheus operator to read every pod's metrics, through the headless Service. */
export function serviceMonitor(wish: Wish): Child {
  const spec = {
    selector: { matchLabels: { [GATEWAY_LABEL]: wish.name, 'app.kubernetes.io/component': 'admin' } },
    endpoints: [{ port: 'admin', path: '/metrics' }],
    podTargetLabels: ['app.kubernetes.io/component'],
  };
  return child(wish, SERVICE_MONITORS, { name: childName(wish.name, 'gateway') }, { spec });
}
