/** Finds and reads the files of a command line, and takes Lists apart. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatPath, type Path } from '../engine/path.ts';
import type { RawObject } from '../engine/workload.ts';
import { parseManifests, UnreadableInput, type Position } from './documents.ts';

/** One Kubernetes object of the input. */
export interface Source {
  readonly file: string;
  readonly object: RawObject;
  locate(path: Path): Position;
}

/** Something of the input that was not judged. */
export interface Skipped {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly reason: string;
}

const MANIFEST = /\.(ya?ml|json)$/i;

/**
 * Reads files, directories (recursively) and standard input (`-`).
 *
 * @throws UnreadableInput naming file, line and column
 */
export function readSources(paths: readonly string[]): { sources: Source[]; skipped: Skipped[] } {
  const sources: Source[] = [];
  const skipped: Skipped[] = [];
  for (const file of paths.flatMap(filesOf)) {
    for (const { object, locate } of parse(file)) {
      if (typeof object['kind'] !== 'string' || typeof object['apiVersion'] !== 'string') {
        skipped.push({ file, kind: '', name: '', reason: 'not a Kubernetes object: it has no apiVersion and kind' });
        continue;
      }
      const items = object['items'];
      if (!object['kind'].endsWith('List') || !Array.isArray(items)) {
        sources.push({ file, object, locate });
        continue;
      }
      for (const [index, item] of items.entries()) {
        if (typeof item !== 'object' || item === null || Array.isArray(item)) {
          throw new UnreadableInput(
            file,
            locate(['items', index]),
            `${formatPath(['items', index])} must be an object`,
          );
        }
        sources.push({ file, object: item as RawObject, locate: (path) => locate(['items', index, ...path]) });
      }
    }
  }
  return { sources, skipped };
}

function filesOf(path: string): string[] {
  if (path === '-') return [path];
  try {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path, { withFileTypes: true })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const below = join(path, entry.name);
        return entry.isDirectory() ? filesOf(below) : MANIFEST.test(entry.name) ? [below] : [];
      });
  } catch (error) {
    throw new UnreadableInput(path, undefined, error instanceof Error ? error.message : String(error));
  }
}

function parse(file: string): ReturnType<typeof parseManifests> {
  try {
    return parseManifests(readFileSync(file === '-' ? 0 : file, 'utf8'), file === '-' ? '<stdin>' : file);
  } catch (error) {
    if (error instanceof UnreadableInput) throw error;
    throw new UnreadableInput(file, undefined, error instanceof Error ? error.message : String(error));
  }
}
