import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { installManifest } from '../../scripts/generate/install.ts';

const RENDERED = `# Generated.
apiVersion: v1
kind: Namespace
metadata:
  name: shop
---
# Source: shop/templates/crds.yaml
kind: CustomResourceDefinition
metadata:
  name: carts.example.com
  labels: { by: helm }
spec:
  scope: Cluster
---
# Source: shop/templates/service.yaml
kind: Service
metadata: { name: carts.example.com } # as it is
`;
const CRD = 'CustomResourceDefinition carts.example.com';

test('what is generated is put in by kind and name, and all else stays as it was rendered', () => {
  const generated = new Map([[CRD, { spec: { scope: 'Namespaced' } }]]);
  const filled = installManifest(RENDERED, generated, stringify);
  expect(filled).toBe(
    RENDERED.replace('scope: Cluster', 'scope: Namespaced').replace('labels: { by: helm }', 'labels:\n    by: helm'),
  );
  expect(installManifest(filled, generated, stringify)).toBe(filled);
});

test('manifests that Helm has to render anew are refused', () => {
  const two = new Map([CRD, 'ClusterRole shop'].map((identity) => [identity, {}]));
  expect(() => installManifest(RENDERED, two, stringify)).toThrow(/ClusterRole shop is not in it.*--chart/);
  expect(() => installManifest(RENDERED, new Map(), stringify)).toThrow(
    /carts\.example\.com is no longer made.*--chart/,
  );
});
