/**
 * manifests/install.yaml: the chart with its default values, for those who install without Helm.
 *
 * What the chart's templates make of it, Helm alone can tell, and Helm takes minutes to build where there is none. So the
 * documents that are made of generated sources are put in here, and all others stay as Helm rendered them last
 * (chart.ts). test/integration/chart.test.ts holds that both together are what Helm renders.
 */
import { parse } from 'yaml';

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const CRD = 'CustomResourceDefinition';

/**
 * Puts what is generated into rendered manifests.
 *
 * @param rendered what Helm rendered, or a former result of this function
 * @param generated fields that replace those of an object, by `kind name`; all generated CRDs are among them
 * @throws Error if the manifests lack one of these objects, or have a CRD that is not generated; the message says what
 *   to do
 */
export function installManifest(
  rendered: string,
  generated: ReadonlyMap<string, object>,
  yaml: (value: unknown) => string,
): string {
  const lost = new Set(generated.keys());
  const documents = rendered.split(/^---\n/m).map((text) => {
    const object = parse(text) as KubernetesObject | null;
    if (object === null) return text;
    const identity = `${object.kind} ${object.metadata.name}`;
    const fields = generated.get(identity);
    if (fields === undefined) {
      if (object.kind === CRD) throw stale(`${identity} is no longer made`);
      return text;
    }
    lost.delete(identity);
    const [comments = ''] = /^(?:#.*\n)*/.exec(text) ?? [];
    return `${comments}${yaml({ ...object, ...fields })}`;
  });
  if (lost.size > 0) throw stale(`${[...lost].join(', ')} is not in it`);
  return documents.join('---\n');
}

function stale(why: string): Error {
  return new Error(`manifests/install.yaml: ${why}; have it rendered anew: npm run generate -- --chart`);
}
