/** What a kustomization.yaml says of the files beside it. */
import { basename, dirname, resolve } from 'node:path';
import { isObject } from '../engine/workload.ts';
import { parseManifests } from './documents.ts';
import type { TextFile } from './input.ts';
import { Problems } from './problems.ts';

const KUSTOMIZATION = /^kustomization\.ya?ml$/;
const LISTS_OF_PATCHES = ['patches', 'patchesStrategicMerge', 'patchesJson6902'];
const LISTS_OF_RESOURCES = ['resources', 'bases'];

/** Why a patch is not judged. */
export const PATCH_REASON =
  'a patch of kustomize, a part of an object; check what it becomes: kustomize build ... | readiness-operator check -f -';

/**
 * Which of some files are patches for a kustomization.yaml among them, and nowhere a resource too. A patch is a part of an
 * object: what it does not say the rest may.
 */
export function patchesOf(files: readonly TextFile[]): { has(file: string): boolean } {
  const patches = new Set<string>();
  const resources = new Set<string>();
  for (const { file, text } of files.filter((one) => KUSTOMIZATION.test(basename(one.file)))) {
    const collect = (into: Set<string>, entries: readonly unknown[]): void => {
      for (const entry of entries) {
        const path: unknown = isObject(entry) ? entry['path'] : entry;
        // An entry of more than one line is the patch itself.
        if (typeof path === 'string' && !path.includes('\n')) into.add(resolve(dirname(file), path));
      }
    };
    // What can't be parsed is told when all files are.
    for (const { object } of new Problems().attempt(() => parseManifests(text, file)) ?? []) {
      collect(
        patches,
        LISTS_OF_PATCHES.flatMap((list) => object[list] ?? []),
      );
      collect(
        resources,
        LISTS_OF_RESOURCES.flatMap((list) => object[list] ?? []),
      );
    }
  }
  return { has: (file) => patches.has(resolve(file)) && !resources.has(resolve(file)) };
}
