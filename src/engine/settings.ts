/**
 * Reads settings whose names say that they are secret out of texts of many kinds: JSON, YAML, properties, XML, shell scripts
 * with here-documents, arguments.
 *
 * The name is looked at first, and a value is read only behind a name that says secret. Repetitions are bounded, so the time
 * is linear in the text.
 */
import { withoutReferences } from './innocent-values.ts';
import { roleOfName } from './secret-names.ts';

/** A name and its value, both parts of the text. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/**
 * What a word without quotes is behind a name. `config`: a value. `shell`: a value, if `=` stands right between the two.
 * `code`: a variable or a call.
 */
export type Syntax = 'config' | 'shell' | 'code';

/** Characters of one text that are looked at. Linux starts no program with a longer argument or variable (128 KiB). */
export const LONGEST_TEXT = 131_072;
/** And of all texts of one workload, so that none holds up others. */
export const MOST_TEXT = 4 * LONGEST_TEXT;
/** What a check says of the rest, which may hold anything. */
export const TOO_LONG = 'more text than is looked through';

const LONGEST_VALUE = 1024;

/** `name = value`, `name: value`, `"name": "value",`, `name => value`, `export NAME=value`; one line. */
const LINE =
  /^\s{0,64}(?:export |set |-{1,2} ?)?(["']?)([A-Za-z_][\w.-]{0,128})\1([ \t]{0,16}(?:=>?|:)[ \t]{0,16})(\S[^\n]{0,2048})$/;
/** `requirepass value` of Redis, `password "value"` of Fluentd. */
const SPACED_LINE =
  /^\s{0,64}([A-Za-z_][\w.-]{0,128})[ \t]{1,16}(?:(["'])([^"']{1,1024})\2|([^\s"'<>{}:=]{1,1024}))\s*$/;
/** A value in quotes; and one without, in which nothing is put together or called. */
const QUOTED = /^(["'])([^"']{1,1024})\1[,;]?\s*(?:[#;].*)?$/;
const BARE = /^((?:\$[({]|\{\{)?[^\s"'(){}[\]`<>|&;,]{1,1024})[,;]?(?:\s+[#;].*)?\s*$/;
/** What begins a value that stands on the next line (YAML). */
const BLOCK = /^[|>][+-]?[0-9]?\s*$/;
const COMMENT = /^\s{0,64}(?:#(?!\{)|;|\/\/|\*)/;

/** `"name": "value"` of JSON, also within a string; `name: value` of YAML in braces. */
const IN_QUOTES = /(\\{0,3})(["'])([A-Za-z_][\w. -]{0,128})\1\2\s{0,16}(?::|=>?)\s{0,16}/g;
const IN_BRACES = /[{,][ \t]{0,16}([A-Za-z_][\w.-]{0,128})[ \t]{0,4}:[ \t]{1,16}/g;
/** `<password>value</password>` */
const ELEMENT = /<([A-Za-z_][\w.-]{0,128})>([^<>]{1,1024})<\//g;
/** `"name": "DB_PASSWORD", "value": "x"`, `<property name="password" value="x"/>` */
const PAIR =
  /\b(?:name|key)\\{0,3}["']?\s{0,4}[:=]\s{0,4}\\{0,3}["']?([A-Za-z_][\w.-]{0,128})\\{0,3}["']?[\s,]\s{0,64}\\{0,3}["']?value\\{0,3}["']?\s{0,4}[:=]\s{0,4}/g;
const NAME_LINE = /^\s{0,64}(?:- )?name:[ \t]{1,16}["']?([A-Za-z_][\w.-]{0,128})["']?\s*$/;
const VALUE_LINE = /^\s{0,64}value:[ \t]{1,16}(\S[^\n]{0,1024})$/;
const OPENING = /\\{0,3}["']/y;
const WORD = /[^\s"'(){}[\]`<>|&;,]{1,1024}/y;

/** `<<EOF`, `<<-'EOF'`, and what reads it. */
const HERE_DOCUMENT = /<<-?\s{0,4}(["']?)([A-Za-z_]\w{0,63})\1/;
const INTERPRETER = /\b(?:python[0-9.]{0,4}|node|ruby|perl|php)\b/;
/** `echo "name: value" > file` */
const ECHOED = /["']([A-Za-z_][\w.-]{0,64})["']?[ \t]{0,4}:[ \t]{1,4}([^\s"'$`]{1,256})["'][ \t]{0,4}[>|]/g;

/** What each setting, and the start of each here-document, has in it; most lines of a long text have none. */
const MAY_SET = /[:=<]|\w[ \t]/;

/** Reads a text line by line, each as what the lines before it make it. */
export class SettingsReader {
  readonly #syntax: Syntax;
  /** In a here-document: its last line, and how it is read. */
  #within: { readonly end: string; readonly syntax: Syntax } | undefined;
  /** The name of which the value stands on this line. */
  #pending: { readonly name: string; readonly isPair: boolean } | undefined;

  constructor(syntax: Syntax) {
    this.#syntax = syntax;
  }

  /** The settings of the next line that may be secret. */
  read(line: string): Setting[] {
    if (this.#within !== undefined && line.trim() === this.#within.end) {
      this.#within = undefined;
      return [];
    }
    const syntax = this.#within?.syntax ?? this.#syntax;
    if (!MAY_SET.test(line) && this.#pending === undefined) return [];
    if (COMMENT.test(line)) return [];
    const found = [...this.#continued(line), ...this.#own(line, syntax), ...inlineSettings(line, syntax)];
    if (syntax === 'shell') found.push(...named(line, ECHOED));
    this.#begin(line, syntax);
    return found.filter((one) => !isLabel(one));
  }

  /** What belongs to a name on the line before. */
  #continued(line: string): Setting[] {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending === undefined) return [];
    const rest = pending.isPair ? VALUE_LINE.exec(line)?.[1] : line.trim();
    const value = rest === undefined ? undefined : valueOf(rest, 'config', '');
    return value === undefined ? [] : [{ name: pending.name, value }];
  }

  #own(line: string, syntax: Syntax): Setting[] {
    const [, , name = '', mark = '', rest = ''] = LINE.exec(line) ?? [];
    if (name !== '') {
      if (roleOfName(name) === undefined) return [];
      if (syntax === 'config' && BLOCK.test(rest)) {
        this.#pending = { name, isPair: false };
        return [];
      }
      const value = valueOf(rest.trimEnd(), syntax, mark);
      return value === undefined ? [] : [{ name, value }];
    }
    if (syntax !== 'config') return [];
    const [, directive = '', , quoted, word] = SPACED_LINE.exec(line) ?? [];
    const value = quoted ?? word;
    // Two words can be prose.
    const isSure = quoted !== undefined || /(?:pass|auth)$/.test(directive) || /[0-9]/.test(value ?? '');
    return value !== undefined && isSure && roleOfName(directive) !== undefined ? [{ name: directive, value }] : [];
  }

  /** What the next lines belong to. */
  #begin(line: string, syntax: Syntax): void {
    const [, name] = NAME_LINE.exec(line) ?? [];
    if (name !== undefined && roleOfName(name) !== undefined) this.#pending = { name, isPair: true };
    if (syntax !== 'shell') return;
    const [start, , end] = HERE_DOCUMENT.exec(line) ?? [];
    if (start === undefined || end === undefined) return;
    this.#within = { end, syntax: INTERPRETER.test(line.slice(0, line.indexOf(start))) ? 'code' : 'config' };
  }
}

/** The settings of a whole text that may be secret: those of its lines, and the assignments and flags in them. */
export function settingsIn(text: string, syntax: Syntax): Setting[] {
  if (!MAY_SET.test(text)) return [];
  const reader = new SettingsReader(syntax);
  return [...text.split('\n').flatMap((line) => reader.read(line)), ...assignmentsIn(text)];
}

/** A value as it stands alone behind a name; undefined if it is put together, or none. */
function valueOf(rest: string, syntax: Syntax, mark: string): string | undefined {
  const [, quote, quoted] = QUOTED.exec(rest) ?? [];
  const isBare = syntax === 'config' || (syntax === 'shell' && mark === '=');
  const value = quoted ?? (isBare ? BARE.exec(rest)?.[1] : undefined);
  if (value === undefined) return undefined;
  if (syntax === 'config') return isTemplate(value) ? undefined : value;
  return quote !== "'" && /[$`]|\{\{/.test(value) ? undefined : value;
}

/** Is something put into a value: `prefix-${TOKEN}`? */
function isTemplate(value: string): boolean {
  return /[({`%#]/.test(value) && withoutReferences(value) !== value;
}

/** `"token": "Token"` is a text for people. */
function isLabel({ name, value }: Setting): boolean {
  return /^[A-Z]/.test(value) && /^[a-z]/.test(name) && value.toLowerCase() === name.toLowerCase();
}

function inlineSettings(line: string, syntax: Syntax): Setting[] {
  const found: Setting[] = [];
  if (line.includes(':') || line.includes('=')) {
    collect(line, IN_QUOTES, 3, false, found);
    collect(line, IN_BRACES, 1, syntax === 'config', found);
    if (line.includes('value')) collect(line, PAIR, 1, syntax === 'config', found);
  }
  if (line.includes('</')) found.push(...named(line, ELEMENT));
  return found;
}

/** Adds what stands behind the names that a pattern finds: in quotes, or a word where that is a value too. */
function collect(line: string, pattern: RegExp, group: number, mayBeBare: boolean, found: Setting[]): void {
  for (const match of line.matchAll(pattern)) {
    const name = match[group] ?? '';
    if (roleOfName(name) === undefined) continue;
    const value = wordAt(line, match.index + match[0].length, mayBeBare);
    if (value !== undefined && !isTemplate(value)) found.push({ name, value });
  }
}

function wordAt(line: string, at: number, mayBeBare: boolean): string | undefined {
  OPENING.lastIndex = at;
  const quote = OPENING.exec(line)?.[0];
  if (quote !== undefined) {
    const end = line.slice(at + quote.length, at + quote.length + LONGEST_VALUE).indexOf(quote);
    return end < 1 ? undefined : line.slice(at + quote.length, at + quote.length + end);
  }
  WORD.lastIndex = at;
  return mayBeBare ? WORD.exec(line)?.[0] : undefined;
}

/** The settings that a pattern finds whole. */
function named(line: string, pattern: RegExp): Setting[] {
  const found: Setting[] = [];
  for (const [, name = '', value = ''] of line.matchAll(pattern)) {
    if (roleOfName(name) !== undefined && !isTemplate(value)) found.push({ name, value });
  }
  return found;
}

/** `NAME=value`, `--name=value` and `--name value` for a shell; `?name=value` in a URL. */
const ASSIGNED = /(?<=^|[\s;&?|(=,"'])(?:--?([A-Za-z][\w.-]{0,64})(?:=|[ \t]{1,8}(?!-))|([A-Za-z_][\w.-]{0,64})=)/g;
const ASSIGNED_VALUE = /"[^"]{0,512}"|'[^']{0,512}'|[^\s;&|)"']{1,512}/y;

/** The assignments and flags in a text, anywhere, whose names say secret. What a shell puts together is no value. */
export function assignmentsIn(text: string): Setting[] {
  const found: Setting[] = [];
  ASSIGNED.lastIndex = 0;
  for (let match = ASSIGNED.exec(text); match !== null; match = ASSIGNED.exec(text)) {
    const name = match[1] ?? match[2] ?? '';
    if (roleOfName(name) === undefined) continue;
    ASSIGNED_VALUE.lastIndex = ASSIGNED.lastIndex;
    const quoted = ASSIGNED_VALUE.exec(text)?.[0] ?? '';
    // `"password="` is over where its value would begin.
    if (/["']/.test(quoted[0] ?? '') && text[match.index - 1] === quoted[0]) continue;
    // What is in the value is not looked at again.
    ASSIGNED.lastIndex += quoted.length;
    const value = quoted.replace(/^(["'])([^]*)\1$/, '$2');
    // Nor is a public key, cut off at a blank.
    const isOther = /^(?:-----|(?:ssh|ecdsa|sk-ssh)-)/.test(value) || (!quoted.startsWith("'") && /[$`]/.test(value));
    if (!isOther) found.push({ name, value });
  }
  return found;
}
