import type { KubeClient } from '../kube/kube-client.ts';
import { isJsonObject, type KubeDraft } from '../kube/kube-object.ts';
import type { ResourceType } from '../kube/resource-type.ts';
import { FIELD_MANAGER } from './names.ts';

/**
 * Makes every list of the object exactly ours, which server-side apply does not do: there, entries that others have added
 * stay theirs. The fields are then taken from the record of this write again, so that they are ours by apply alone and go
 * when they are not wanted any more.
 *
 * @throws KubeError
 */
export async function restore(
  client: Pick<KubeClient, 'patch'>,
  type: ResourceType,
  { apiVersion: _version, kind: _kind, metadata, ...fields }: KubeDraft,
  signal: AbortSignal,
): Promise<void> {
  const { uid } = metadata;
  const options = { fieldManager: FIELD_MANAGER, signal };
  const patched = await client.patch(type, metadata, { metadata: { uid }, ...fields }, options);
  const managers = patched.metadata['managedFields'];
  if (!Array.isArray(managers)) return;
  const managedFields = managers.filter(
    (each: unknown) =>
      !isJsonObject(each) || each['manager'] !== FIELD_MANAGER || each['operation'] !== 'Update',
  );
  const { resourceVersion } = patched.metadata;
  await client.patch(type, metadata, { metadata: { uid, resourceVersion, managedFields } }, options);
}
