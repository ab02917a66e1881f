import { HTTP_ROUTES } from '../kinds.ts';
import { childName } from '../names.ts';
import { type Child, child, type Wish } from './child.ts';
import { publicPort } from './workload.ts';

/** The Gateway API's way to the public port. A stream has no end, so nothing in between may time it out. */
export function httpRoute(wish: Wish): Child | undefined {
  const { route } = wish.spec.gateway;
  if (route === undefined) return undefined;
  const name = childName(wish.name, 'gateway');
  const spec = {
    parentRefs: route.parentRefs.map((ref) => ({
      group: 'gateway.networking.k8s.io',
      kind: 'Gateway',
      ...ref,
    })),
    ...(route.hostnames.length === 0 ? {} : { hostnames: [...route.hostnames] }),
    rules: [
      {
        matches: wish.spec.streams.map(({ path }) => ({ path: { type: 'Exact', value: path } })),
        backendRefs: [{ group: '', kind: 'Service', name, port: publicPort(wish).servicePort, weight: 1 }],
        timeouts: { request: '0s' },
      },
    ],
  };
  const labels = { 'app.kubernetes.io/component': 'gateway' };
  return child(wish, HTTP_ROUTES, { name, labels }, { spec });
}
