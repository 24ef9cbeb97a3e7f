import { expect, test } from '@jest/globals';
import { withoutDefaults } from '../../src/engine/template-defaults.ts';

const WRITTEN = {
  metadata: { labels: { app: 'web' } },
  spec: {
    serviceAccountName: 'web',
    containers: [
      {
        name: 'app',
        image: 'host:5000/shop/app:1',
        ports: [{ containerPort: 80 }],
        resources: { limits: { memory: '1Gi' } },
        readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 5 },
      },
      { name: 'newest', image: 'app', resources: { limits: { memory: '1Gi' }, requests: { memory: '1Mi' } } },
    ],
    volumes: [{ name: 's', secret: { secretName: 's' } }],
  },
};
const [APP, NEWEST] = WRITTEN.spec.containers;
/** The same, as the API server stores it. */
const COMPLETED = {
  metadata: { creationTimestamp: null, labels: { app: 'web' } },
  spec: {
    serviceAccountName: 'web',
    serviceAccount: 'web',
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    containers: [
      {
        ...APP,
        imagePullPolicy: 'IfNotPresent',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: { limits: { memory: '1Gi' }, requests: { memory: '1Gi' } },
        readinessProbe: {
          httpGet: { path: '/', port: 80, scheme: 'HTTP' },
          periodSeconds: 5,
          timeoutSeconds: 1,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
      { ...NEWEST, imagePullPolicy: 'Always' },
    ],
    volumes: [{ name: 's', secret: { secretName: 's', defaultMode: 420 } }],
  },
};

test('what the API server fills in is taken out again, and nothing else', () => {
  expect(withoutDefaults(COMPLETED)).toEqual(WRITTEN);
  expect(withoutDefaults(WRITTEN)).toEqual(WRITTEN);
});

test.each<[string, object]>([
  ['another policy of pulling', { image: 'app:1', imagePullPolicy: 'Always' }],
  ['what makes a sidecar', { initContainers: [{ name: 'proxy', restartPolicy: 'Always' }] }],
  ['another account', { serviceAccountName: 'a', serviceAccount: 'b' }],
  ['a lower request', { limits: { memory: '2Gi' }, requests: { memory: '1Gi' } }],
  ['limits', { resources: { limits: { memory: '1Gi' } } }],
  ['another grace period', { terminationGracePeriodSeconds: 31 }],
])('%s stays', (_, value) => {
  expect(withoutDefaults(value)).toEqual(value);
});
