/** What a go.mod file pins. */
import { readFileSync } from 'node:fs';

/** A go.mod file. */
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
