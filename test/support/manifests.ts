/** Objects that several integration tests vary. */
type Json = Record<string, any>;

/** A policy for the namespaces with the label `team` of its own name. */
export function teamPolicy(name: string, spec: Json): Json {
  return {
    apiVersion: 'readiness-operator.dev/v1alpha1',
    kind: 'ReadinessPolicy',
    metadata: { name },
    spec: { match: { namespaceSelector: { matchLabels: { team: name } } }, ...spec },
  };
}

/** What the API server sends when Alice creates Deployment web, as text. @param more - further fields of the request, or others */
export function reviewOf(object: unknown, more: Json): string {
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      resource: { group: 'apps', version: 'v1', resource: 'deployments' },
      operation: 'CREATE',
      name: 'web',
      userInfo: { username: 'alice' },
      object,
      ...more,
    },
  });
}
