/**
 * Finds credentials in the data of a ConfigMap and keeps of each where it stands and what it is, never the value: it is
 * judged where the ConfigMap comes in, and the data is let go.
 */
import { credentialIn, isSecretLiteral, LITERAL } from './credentials.ts';
import { isInnocent } from './innocent-values.ts';
import { isPlaceholder, isPlaceholderUrl } from './placeholders.ts';
import { saysSecret } from './secret-names.ts';
import { assignmentsIn, SettingsReader, type Setting, type Syntax } from './settings.ts';

export interface ConfigCredential {
  /** Of the ConfigMap's data. */
  readonly key: string;
  /** The setting in a file of many (`db.password`); undefined where the value under the key is it, or has no name. */
  readonly setting: string | undefined;
  /** What it is: `a GitHub token`. */
  readonly what: string;
}

/** What is kept of one ConfigMap. A ConfigMap of a megabyte can hold any number of them. */
export const MOST_CREDENTIALS = 100;

export interface ConfigCredentials {
  /** The first ones, at most MOST_CREDENTIALS. */
  readonly found: readonly ConfigCredential[];
  readonly more: boolean;
}

const NONE: ConfigCredentials = Object.freeze({ found: Object.freeze([]), more: false });

/** Looks through `data` of a ConfigMap. */
export function configCredentialsOf(data: Readonly<Record<string, unknown>> | null | undefined): ConfigCredentials {
  const found = new Map<string, ConfigCredential>();
  for (const [key, value] of Object.entries(data ?? {})) {
    if (typeof value !== 'string') continue;
    for (const { setting, what } of value.includes('\n') ? inFile(key, value) : inValue(key, value)) {
      const id = JSON.stringify([key, setting, what]);
      if (found.size === MOST_CREDENTIALS && !found.has(id)) return { found: [...found.values()], more: true };
      found.set(id, { key, setting: setting === undefined ? undefined : detached(setting), what });
    }
  }
  return found.size === 0 ? NONE : { found: [...found.values()], more: false };
}

type Found = Omit<ConfigCredential, 'key'>;

/** What stands where a secret belongs and is weak or was never filled in. */
export const PLACEHOLDER = 'a placeholder';

function* inValue(key: string, value: string): Iterable<Found> {
  const what =
    credentialIn(value) ?? judged({ name: key, value }) ?? (isPlaceholderUrl(value) ? PLACEHOLDER : undefined);
  if (what !== undefined) yield { setting: undefined, what };
  else yield* inSettings(new SettingsReader('config').read(value), assignmentsIn(value));
}

/** @param assigned - of a script or arguments, where a weak word can be one of a sentence */
function* inSettings(settings: readonly Setting[], assigned: readonly Setting[]): Iterable<Found> {
  for (const setting of settings) {
    const what = judged(setting);
    if (what !== undefined) yield { setting: setting.name, what };
  }
  for (const { name, value } of assigned) if (isSecretLiteral(name, value)) yield { setting: name, what: LITERAL };
}

/** No other check reads ConfigMaps, so placeholders are told here too. */
function judged({ name, value }: Setting): string | undefined {
  if (isSecretLiteral(name, value)) return LITERAL;
  return !isInnocent(value) && isPlaceholder(value, true) && saysSecret(name) ? PLACEHOLDER : undefined;
}

/** Files in which what stands unquoted after a name is a variable or a call. */
const CODE = /\.(?:py|js|mjs|cjs|ts|rb|pl|lua|go|java|groovy|kts?|php|ps1|sql|tpl|tmpl|gotmpl|vcl)$/i;
const SHELL = /\.(?:sh|bash|ksh|zsh)$/i;
/** The first line of a script. */
const SHEBANG = /^#!([^\n]{0,256})/;

function syntaxOf(key: string, text: string): Syntax {
  const [, program] = SHEBANG.exec(text) ?? [];
  if (SHELL.test(key) || (program !== undefined && /\b(?:ba|da|a|k|z)?sh\b/.test(program))) return 'shell';
  return CODE.test(key) || program !== undefined ? 'code' : 'config';
}

/** `name: value`, `name = value` and the like, whose name is not looked at: what follows is. */
const NAMED =
  /^\s{0,64}(?:export |set |-{1,2} ?)?(["']?)([A-Za-z_][\w.-]{0,128})\1[ \t]{0,16}(?:=>?|:)[ \t]{0,16}(?=\S)/;

function* inFile(key: string, text: string): Iterable<Found> {
  const syntax = syntaxOf(key, text);
  const reader = new SettingsReader(syntax);
  for (const line of text.split('\n')) {
    const [start = '', , setting] = NAMED.exec(line) ?? [];
    // Without the name: `password=` alone would make it a connection string.
    const format = credentialIn(line.slice(start.length));
    const settings = reader.read(line);
    if (format !== undefined) yield { setting, what: format };
    else yield* inSettings(settings, syntax === 'shell' ? assignmentsIn(line) : []);
  }
}

/** A copy: a part of a string keeps the whole of it in memory, and with it the values. */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
