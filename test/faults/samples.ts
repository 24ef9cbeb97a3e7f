/** Workloads that are ready and such that are not, and the requests about them. */
import type { Json } from './admin.ts';

/** The namespace whose workloads the policy `production` judges. */
export const JUDGED = 'judged';
/** A namespace that no policy matches. */
export const FREE = 'free';
/** Label by which the policy chooses namespaces. */
export const LABELS = { faults: 'judged' };
/** A Secret that is there. */
export const SECRET = 'present';

/** A Deployment that meets every Critical check; paused, so that none of it is ever rolled out. */
export function good(name: string, namespace = JUDGED, replicas = 3): Json {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      paused: true,
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'app',
              image: 'registry.example.com/shop/app:1.4.2',
              ports: [{ name: 'http', containerPort: 8080 }],
              resources: {
                requests: { cpu: '100m', memory: '128Mi' },
                limits: { memory: '256Mi', 'ephemeral-storage': '1Gi' },
              },
              readinessProbe: { httpGet: { path: '/ready', port: 'http', scheme: 'HTTP' }, periodSeconds: 10 },
              livenessProbe: { httpGet: { path: '/live', port: 'http', scheme: 'HTTP' }, failureThreshold: 6 },
            },
          ],
        },
      },
    },
  };
}

/** A Deployment that production-v1 denies: a floating tag, no limits, no probes, one replica. */
export function bad(name: string, namespace = JUDGED): Json {
  const object = good(name, namespace, 1);
  object['spec'].template.spec.containers = [{ name: 'app', image: 'registry.example.com/shop/app:latest' }];
  return object;
}

/** A good one that needs a Secret. */
export function withSecret(name: string, secret: string, namespace = JUDGED): Json {
  const object = good(name, namespace);
  object['spec'].template.spec.containers[0].env = [
    { name: 'SESSION_KEY', valueFrom: { secretKeyRef: { name: secret, key: 'key' } } },
  ];
  return object;
}

/** Who asks in reviews that we send straight. */
const ALICE = { username: 'alice', groups: ['developers', 'system:authenticated'] };

/** What the API server sends to the webhook when a Deployment is created. */
export function review(object: Json, uid: string, { dryRun = false, user = ALICE } = {}): Json {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid,
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      requestKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      requestResource: { group: 'apps', version: 'v1', resource: 'deployments' },
      name: object['metadata'].name,
      namespace: object['metadata'].namespace,
      operation: 'CREATE',
      userInfo: user,
      object,
      oldObject: null,
      dryRun,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    },
  };
}

/** A policy for namespaces with the given labels. */
export function policy(name: string, spec: Json = {}, labels: Json = LABELS): Json {
  return {
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessPolicy',
    metadata: { name },
    spec: { profile: 'production-v1', match: { namespaceSelector: { matchLabels: labels } }, ...spec },
  };
}

export const POLICIES = '/apis/readiness-operator.dev/v1alpha1/readinesspolicies';
export const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
export const deployments = (namespace: string): string => `/apis/apps/v1/namespaces/${namespace}/deployments`;
