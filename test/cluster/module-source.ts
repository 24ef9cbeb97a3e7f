/** The files of a pinned Go module: one folder, or several that lie over one another. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A Go module's files. */
export class ModuleSource {
  /** The folder that Go takes for the module. */
  readonly folder: string;
  /** The path of each file, by its place below the folder. */
  readonly #paths: ReadonlyMap<string, string>;

  /**
   * @param folders - absolute, the one that Go takes for the module first. A file takes the place of the file of the same
   *   name in an earlier folder.
   */
  constructor(folders: readonly [string, ...string[]]) {
    this.folder = folders[0];
    this.#paths = new Map(folders.flatMap(filesOf));
  }

  get goMod(): GoMod {
    return new GoMod(this.#paths.get('go.mod') ?? join(this.folder, 'go.mod'));
  }

  /** The files that take the place of others, by the path of the other, as go's -overlay wants them. */
  get overlay(): Record<string, string> {
    const places = [...this.#paths].map(([file, path]) => [join(this.folder, file), path] as const);
    return Object.fromEntries(places.filter(([place, path]) => place !== path));
  }

  /** Changes with every file, so that a changed pin or a changed main.go is built anew. */
  get fingerprint(): string {
    const hash = createHash('sha256');
    const inOrder = [...this.#paths].toSorted(([one], [other]) => (one < other ? -1 : 1));
    for (const [file, path] of inOrder) hash.update(`${file}\0`).update(readFileSync(path));
    return hash.digest('hex').slice(0, 8);
  }
}

/** What a go.mod file pins. */
export class GoMod {
  readonly #file: string;
  readonly #text: string;

  /** @throws Error if there is no such file */
  constructor(file: string) {
    this.#file = file;
    this.#text = readFileSync(file, 'utf8');
  }

  /** The oldest Go that can build the module, such as `1.26.8`. @throws Error if the file does not say it */
  get go(): string {
    return this.#find('go line', /^go (\S+)/m);
  }

  /** The version of a required module, such as `v1.37.2`. @throws Error if the file does not require it */
  versionOf(module: string): string {
    const literal = module.replaceAll('.', '\\.');
    return this.#find(`version of ${module}`, new RegExp(`^(?:require)?\\s*${literal} (v\\S+)`, 'm'));
  }

  #find(what: string, pattern: RegExp): string {
    const found = pattern.exec(this.#text)?.[1];
    if (found === undefined) throw new Error(`${this.#file}: no ${what} in it`);
    return found;
  }
}

function filesOf(folder: string): [string, string][] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return paths.map((path) => [relative(folder, path).replaceAll('\\', '/'), path]);
}
