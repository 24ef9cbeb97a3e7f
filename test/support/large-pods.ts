/** Pods that are large in one way each: all lists and maps that checks read. */

export type Fields = Record<string, unknown>;

/** So many entries. */
export const listOf = (count: number, entry: (index: number) => unknown): unknown[] =>
  Array.from({ length: count }, (_, index) => entry(index));
export const mapOf = (count: number): Fields =>
  Object.fromEntries(listOf(count, (index) => [`k${index}`, 'v']) as [string, string][]);
const inContainer = (fields: Fields): Fields => ({ containers: [{ name: 'app', ...fields }] });
const inVolume = (fields: Fields): Fields => ({ volumes: [{ name: 'v', ...fields }] });
const spread = (labelSelector: Fields): Fields => ({
  topologySpreadConstraints: [{ topologyKey: 'zone', labelSelector }],
});
const term = { topologyKey: 'zone' };

/** Pods by the list or map that they have many entries in, each with as many as it is told. */
export const LISTS: Record<string, (count: number) => Fields> = {
  env: (count) => inContainer({ env: listOf(count, (index) => ({ name: `E${index}` })) }),
  envFrom: (count) => inContainer({ envFrom: listOf(count, () => ({ secretRef: { name: 's' } })) }),
  args: (count) => inContainer({ args: listOf(count, () => 'a') }),
  command: (count) => inContainer({ command: listOf(count, () => 'a') }),
  ports: (count) => inContainer({ ports: listOf(count, () => ({ containerPort: 1 })) }),
  capabilities: (count) => inContainer({ securityContext: { capabilities: { add: listOf(count, () => 'X') } } }),
  'exec of a probe': (count) => inContainer({ livenessProbe: { exec: { command: listOf(count, () => 'a') } } }),
  'headers of a hook': (count) =>
    inContainer({
      lifecycle: { preStop: { httpGet: { port: 1, httpHeaders: listOf(count, () => ({ name: 'h' })) } } },
    }),
  'variables of an init container': (count) => ({
    initContainers: [{ name: 'init', env: listOf(count, () => ({ name: 'E' })) }],
  }),
  volumes: (count) => ({ volumes: listOf(count, () => ({ name: 'v' })) }),
  'items of a Secret': (count) => inVolume({ secret: { secretName: 's', items: listOf(count, () => ({ key: 'k' })) } }),
  'items of a ConfigMap': (count) => inVolume({ configMap: { name: 's', items: listOf(count, () => ({ key: 'k' })) } }),
  'projected sources': (count) => inVolume({ projected: { sources: listOf(count, () => ({})) } }),
  'attributes of a driver': (count) => inVolume({ csi: { volumeAttributes: mapOf(count) } }),
  'options of a driver': (count) => inVolume({ flexVolume: { options: mapOf(count) } }),
  imagePullSecrets: (count) => ({ imagePullSecrets: listOf(count, () => ({ name: 's' })) }),
  sysctls: (count) => ({ securityContext: { sysctls: listOf(count, () => ({ name: 's' })) } }),
  topologySpreadConstraints: (count) => ({ topologySpreadConstraints: listOf(count, () => term) }),
  'labels of a selector': (count) => spread({ matchLabels: mapOf(count) }),
  'values of a selector': (count) =>
    spread({ matchExpressions: [{ key: 'k', operator: 'In', values: listOf(count, () => 'v') }] }),
  'required affinity': (count) => ({
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: listOf(count, () => term) } },
  }),
  'preferred affinity': (count) => ({
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: listOf(count, () => ({ podAffinityTerm: term })),
      },
    },
  }),
};
