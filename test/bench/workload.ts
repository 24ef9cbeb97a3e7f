/** What the bench judges: a realistic Deployment of two containers with 12 variables each, and reviews of it. */
import { reviewOf } from '../support/manifests.ts';

/** A Deployment that meets every Critical check. */
export function deployment(name: string, namespace = 'bench'): Record<string, unknown> {
  const container = (role: string, port: number) => ({
    name: role,
    image: `registry.example.com/shop/${role}:1.4.2`,
    ports: [{ name: 'http', containerPort: port }],
    env: Array.from({ length: 12 }, (_, index) => ({
      name: `SETTING_${index}`,
      value: `some ordinary value, number ${index}`,
    })),
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi', 'ephemeral-storage': '1Gi' } },
    readinessProbe: { httpGet: { path: '/ready', port: 'http', scheme: 'HTTP' }, periodSeconds: 10 },
    livenessProbe: { httpGet: { path: '/live', port: 'http', scheme: 'HTTP' }, failureThreshold: 6 },
  });
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: 'web' } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [container('app', 8080), container('proxy', 8081)] },
      },
    },
  };
}

/** An AdmissionReview of a create, padded with managed fields to the 9.3 KB that one was seen to have. */
export function review(object: Record<string, unknown>): string {
  const padded = {
    ...object,
    metadata: { ...(object['metadata'] as object), managedFields: [{ manager: 'kubectl', fieldsV1: { pad: '' } }] },
  };
  const text = (): string =>
    reviewOf(padded, {
      uid: 'bench',
      namespace: 'bench',
      userInfo: { username: 'alice', groups: ['developers', 'system:authenticated'] },
      dryRun: false,
    });
  const missing = 9300 - text().length;
  (padded.metadata.managedFields[0] as { fieldsV1: { pad: string } }).fieldsV1.pad = 'x'.repeat(Math.max(0, missing));
  return text();
}
