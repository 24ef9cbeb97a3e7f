import { expect, test } from '@jest/globals';
import { NestedTooDeep } from '../../src/engine/equal.ts';
import { isSameTemplate, templateText } from '../../src/engine/template-identity.ts';

const WRITTEN = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'shop/app:1', ports: [{ containerPort: 80 }] }] },
};
/** As a controller copies it and the API server completes it. */
const COPIED = {
  $patch: 'replace',
  metadata: { creationTimestamp: null, annotations: {}, labels: { 'pod-template-hash': 'abc', app: 'web' } },
  spec: {
    dnsPolicy: 'ClusterFirst',
    containers: [
      {
        imagePullPolicy: 'IfNotPresent',
        image: 'shop/app:1',
        name: 'app',
        ports: [{ protocol: 'TCP', containerPort: 80 }],
        resources: {},
      },
    ],
  },
};

test('a copy is the same template', () => {
  expect(isSameTemplate(WRITTEN, COPIED)).toBe(true);
  expect(templateText(COPIED)).toBe(templateText(WRITTEN));
});

test.each<[string, unknown]>([
  ['another image', { ...WRITTEN, spec: { containers: [{ ...WRITTEN.spec.containers[0], image: 'shop/app:2' }] } }],
  ['another label', { ...WRITTEN, metadata: { labels: { app: 'web', tier: 'web' } } }],
  ['an annotation', { ...WRITTEN, metadata: { ...WRITTEN.metadata, annotations: { a: 'b' } } }],
  ['nothing', undefined],
])('%s is another', (_what, template) => {
  expect(isSameTemplate(WRITTEN, template)).toBe(false);
  expect(templateText(template)).not.toBe(templateText(WRITTEN));
});

test('what is nested too deep is told by its name, not by a full stack', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 5000; level++) deep = level % 2 === 0 ? [deep] : { deep };
  expect(() => templateText({ spec: deep })).toThrow(NestedTooDeep);
});
