/** The Kubernetes objects of a set of files: Lists taken apart, everything else left out with the reason. */
import type { Path } from '../engine/path.ts';
import { isObject, type RawObject } from '../engine/workload.ts';
import { parseManifests, type Manifest } from './documents.ts';
import type { Files } from './input.ts';
import { PATCH_REASON, patchesOf } from './kustomize.ts';
import { Problems, type Position } from './problems.ts';

/** One Kubernetes object of the input. */
export interface Source {
  readonly file: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly object: RawObject;
  /** Where a path of the object stands in the file; for what is not there, its nearest existing ancestor. */
  locate(path: Path): Position;
}

/** Something of the input that was not judged. */
export interface Skipped {
  readonly file: string;
  /** Null for what is no Kubernetes object. */
  readonly kind: string | null;
  readonly name: string | null;
  readonly reason: string;
}

/**
 * Reads the objects of files. What has neither the look of a Kubernetes object nor claims to be one (values.yaml,
 * Chart.yaml) is skipped, and so are the patches that a kustomization.yaml of the input names.
 *
 * @param onParsed - told how many files have been parsed so far
 * @param problems - where it goes what is wrong; absent: it is thrown
 * @throws UnreadableInput naming everything that can't be parsed or that claims to be an object and is none
 */
export function readObjects(
  { files, skipped: directories }: Files,
  onParsed: (files: number) => void = () => {},
  problems = new Problems(),
): { sources: Source[]; skipped: Skipped[] } {
  const sources: Source[] = [];
  const skipped: Skipped[] = directories.map(({ file, reason }) => ({ file, kind: null, name: null, reason }));

  const add = (file: string, value: unknown, locate: Manifest['locate'], inherited: Inherited): void => {
    if (!isObject(value)) {
      if (inherited.list) problems.add(file, locate([]), 'an entry of a List must be an object');
      else skipped.push({ file, kind: null, name: null, reason: 'not a Kubernetes object: it is a list' });
      return;
    }
    const apiVersion = textOf(value['apiVersion']) ?? inherited.apiVersion;
    const kind = textOf(value['kind']) ?? inherited.kind;
    if (apiVersion === undefined || kind === undefined) {
      const missing = [apiVersion === undefined ? 'no apiVersion' : '', kind === undefined ? 'no kind' : ''];
      const lacks = `it has ${missing.filter(Boolean).join(' and ')}`;
      const claims = (apiVersion ?? kind) !== undefined && (isObject(value['metadata']) || isObject(value['spec']));
      if (claims || inherited.list) problems.add(file, locate([]), `not a Kubernetes object: ${lacks}`);
      else skipped.push({ file, kind: null, name: null, reason: `not a Kubernetes object: ${lacks}` });
      return;
    }
    if (kind === 'List' || (kind.endsWith('List') && 'items' in value)) {
      const items = value['items'] ?? [];
      if (!Array.isArray(items)) {
        problems.add(file, locate(['items']), 'items: must be a list');
        return;
      }
      // The entries of a DeploymentList may leave out what the list says.
      const own = kind.slice(0, -'List'.length);
      const below = { list: true, ...(own === '' ? {} : { apiVersion, kind: own }) };
      for (const [index, item] of items.entries()) {
        add(file, item, (path) => locate(['items', index, ...path]), below);
      }
      return;
    }
    sources.push({ file, apiVersion, kind, object: value, locate });
  };

  const patches = patchesOf(files);
  for (const [index, { file, text }] of files.entries()) {
    onParsed(index);
    if (patches.has(file)) {
      skipped.push({ file, kind: null, name: null, reason: PATCH_REASON });
      continue;
    }
    const manifests = problems.attempt(() => parseManifests(text, file)) ?? [];
    for (const { object, locate } of manifests) add(file, object, locate, { list: false });
  }
  problems.throwIfAny();
  return { sources, skipped };
}

/** What an entry of a List has from the List. */
interface Inherited {
  readonly list: boolean;
  readonly apiVersion?: string;
  readonly kind?: string;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
