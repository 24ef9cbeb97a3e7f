/**
 * What the texts of one workload hold, whatever a policy allows. Policies differ in little but the names that they allow, and
 * to read half a megabyte of text for each of hundreds would hold up every other request.
 */
import { credentialIn, isSecretLiteral } from './credentials.ts';
import { isPlaceholder } from './placeholders.ts';
import { programPasswordIn } from './program-passwords.ts';
import { onceForEach } from './remember.ts';
import { saysSecret } from './secret-names.ts';
import { settingsIn, SettingsReader, type Syntax } from './settings.ts';
import type { Workload } from './workload.ts';

/** Shorter texts are read about as fast as they are found again; only of workloads with very many they are kept. Characters. */
const SHORT = 64;
/** What is read of short texts before they are kept. */
const FEW = 500;

/** Answers by text, each worked out once unless that is as fast as to look it up. */
class Answers<T> {
  readonly #known = new Map<string, { readonly answer: T }>();
  #read = 0;

  /** @param compute - its answer must not be changed by anyone */
  of(text: string, compute: (text: string) => T): T {
    if (text.length < SHORT && this.#read++ < FEW) return compute(text);
    let kept = this.#known.get(text);
    if (kept === undefined) {
      kept = { answer: compute(text) };
      this.#known.set(text, kept);
    }
    return kept.answer;
  }
}

/** The texts of one workload, each read once. */
export class TextSearch {
  readonly #credentials = new Answers<string | undefined>();
  readonly #programPasswords = new Answers<string | undefined>();
  readonly #placeholders = new Answers<readonly string[]>();
  readonly #literals = {
    config: new Answers<readonly string[]>(),
    shell: new Answers<readonly string[]>(),
    code: new Answers<readonly string[]>(),
  };
  /** By the length of a name, the name and the value. */
  readonly #named = new Answers<boolean>();

  /** `credentialIn`. */
  credentialIn(text: string): string | undefined {
    return this.#credentials.of(text, credentialIn);
  }

  /** `programPasswordIn`. */
  programPasswordIn(text: string): string | undefined {
    return this.#programPasswords.of(text, programPasswordIn);
  }

  /** `isSecretLiteral`. */
  isLiteral(name: string, value: string): boolean {
    return this.#named.of(`${name.length} ${name}${value}`, () => isSecretLiteral(name, value));
  }

  /** The names of the settings in a text that hold a literal credential. */
  literalsIn(text: string, syntax: Syntax): readonly string[] {
    return this.#literals[syntax].of(text, () => literalsIn(text, syntax));
  }

  /** The names of the settings in a text that hold a placeholder. */
  placeholdersIn(text: string): readonly string[] {
    return this.#placeholders.of(text, placeholdersIn);
  }
}

/** The search in a workload's texts: one for all policies that judge it. */
export const textSearchOf = onceForEach<Workload, TextSearch>(() => new TextSearch());

function literalsIn(text: string, syntax: Syntax): readonly string[] {
  const names = new Set<string>();
  for (const { name, value } of settingsIn(text, syntax)) {
    if (!names.has(name) && isSecretLiteral(name, value)) names.add(name);
  }
  return [...names];
}

/** `password` of `{"db": {"password": "changeme"}}`. */
function placeholdersIn(text: string): readonly string[] {
  const reader = new SettingsReader('config');
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    for (const { name, value } of reader.read(line)) {
      if (!names.has(name) && saysSecret(name) && isPlaceholder(value, true)) names.add(name);
    }
  }
  return [...names];
}
