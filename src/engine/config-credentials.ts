/**
 * Finds credentials in the data of a ConfigMap and keeps of each where it stands and what it is, never the value: it is
 * judged where the ConfigMap comes in, and the data is let go.
 */
import { credentialIn, isSecretLiteral, LITERAL } from './credentials.ts';

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

function* inValue(key: string, value: string): Iterable<Found> {
  const what = credentialIn(value) ?? (isSecretLiteral(key, value) ? LITERAL : undefined);
  if (what !== undefined) yield { setting: undefined, what };
}

/** Files in which what stands unquoted after a name is a variable or a call. */
const CODE = /\.(?:sh|bash|py|js|mjs|cjs|ts|rb|pl|lua|go|java|groovy|kts?|php|ps1|sql|tpl|tmpl|gotmpl|vcl)$/i;
/** `name = value`, `name: value`, `"name": "value",`, `name => value`, `export NAME=value`; one line. */
const SETTING =
  /^\s{0,64}(?:export |set |-{1,2} ?)?(["']?)([A-Za-z_][\w.-]{0,128})\1[ \t]{0,16}(?:=>?|:)[ \t]{0,16}(\S[^\n]{0,2048})$/;
/** A value in quotes; and one without, in which nothing is put together or called. */
const QUOTED = /^(["'])([^"']{1,1024})\1[,;]?\s*(?:[#;].*)?$/;
const BARE = /^([^\s"'(){}[\]$`<>|&;,]{1,1024})[,;]?\s*(?:[#;].*)?$/;

function* inFile(key: string, text: string): Iterable<Found> {
  const isCode = CODE.test(key) || text.startsWith('#!');
  for (const line of text.split('\n')) {
    const [, , setting, rest] = SETTING.exec(line) ?? [];
    // Without the name: `password=` alone would make it a connection string.
    const format = credentialIn(rest ?? line);
    if (format !== undefined) {
      yield { setting, what: format };
      continue;
    }
    if (setting === undefined || rest === undefined) continue;
    const value = QUOTED.exec(rest.trimEnd())?.[2] ?? (isCode ? undefined : BARE.exec(rest.trimEnd())?.[1]);
    if (value !== undefined && !/[$`]|\{\{/.test(value) && isSecretLiteral(setting, value))
      yield { setting, what: LITERAL };
  }
}

/** A copy: a part of a string keeps the whole of it in memory, and with it the values. */
function detached(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
