import { Type } from 'typebox';
import { defineCheck, unmetAt, type Report } from '../engine/check.ts';
import { credentialIn, isSecretLiteral, LITERAL } from '../engine/credentials.ts';
import { isInnocent } from '../engine/innocent-values.ts';
import { matchesNamePattern } from '../engine/names.ts';
import { Names } from '../engine/parameters.ts';
import type { Path } from '../engine/path.ts';
import { PROBE_FIELDS } from '../engine/probes.ts';
import type { Container } from '../engine/workload.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const MOVE = 'move it into a Secret and name it with valueFrom.secretKeyRef';

export default defineCheck({
  name: 'hardcodedCredentials',
  title: 'Hardcoded credentials',
  metWhen:
    'No credential stands as a literal in environment variables, args, command, probe headers or annotations: known token formats, private keys, URLs with a password, and literals under a name that says secret.',
  group: 'Secret references',
  items: ['security.secrets.no-hardcoded-credentials', 'security.secrets.secure-api-key-storage'],
  scope: 'workload',
  priorities: { 'production-v1': 'Critical', 'baseline-v1': 'Critical' },
  perContainer: true,
  parameters: Type.Object({
    allow: Names(
      'Names of environment variables, flags, headers and annotations that hold no credential; `*` at the end allowed.',
    ),
  }),
  rationale:
    'A credential in a manifest is readable by everyone who may read the workload or the repository, and stays in the history of both.',
  remediation: MOVE,
  source: 'https://kubernetes.io/docs/concepts/security/secrets-good-practices/',
  prepare: ({ allow = [] }) => ({ allow }),
  run({ workload, containers, parameters: { allow } }, report) {
    for (const container of containers) {
      judgeEnvironment(container, allow, report);
      judgeWords(container, 'command', allow, report);
      judgeWords(container, 'args', allow, report);
      judgeHeaders(container, allow, report);
    }
    judgeAnnotations(workload.annotations, ['metadata', 'annotations'], allow, report);
    if (workload.kind.template.length > 0) {
      const path = [...workload.kind.template, 'metadata', 'annotations'];
      judgeAnnotations(workload.template.metadata?.annotations ?? {}, path, allow, report);
    }
  },
});

function judgeEnvironment(container: Container, allow: readonly string[], report: Report): void {
  const env = container.spec.env ?? [];
  for (let index = 0; index < env.length; index++) {
    const { name, value } = env[index] as (typeof env)[number];
    if (!value || matchesNamePattern(name, allow)) continue;
    const found = credentialUnder(name, value);
    if (found !== undefined) report(unmetAt(container, ['env', index, 'value'], `${name} holds ${found}`));
  }
}

const FLAG = /^(--?)([A-Za-z][\w.-]{0,128})(?:=([^]*))?$/;

/** `NAME=value` as a word, for `env` or `helm --set`. */
const ASSIGNMENT = /^([A-Za-z_][\w.-]{0,128})=([^]*)$/;
/** `NAME=value`, `--name=value` and `--name value` in a text of several words: one for a shell. */
const IN_TEXT =
  /(?<=^|[\s;&|(=,])(?:--?([A-Za-z][\w.-]{0,64})(?:=|\s{1,8}(?!-))|([A-Za-z_][\w.-]{0,64})=)(?=("[^"]{0,512}"|'[^']{0,512}'|[^\s;&|)"']{1,512}))/g;

/** Flags: `--token=x`, `--token x`; assignments; the same in the text of a script; and formats anywhere in a word. */
function judgeWords(container: Container, field: 'command' | 'args', allow: readonly string[], report: Report): void {
  const words = container.spec[field];
  if (!words) return;
  let before: RegExpExecArray | null = null;
  for (const [index, word] of words.entries()) {
    const own = FLAG.exec(word);
    // A word that is no flag is the value of the flag before it, unless that has one already.
    const flag = own ?? (before?.[3] === undefined ? before : null);
    before = own;
    const [, dashes, name, joined] = flag ?? [];
    if (name !== undefined && matchesNamePattern(name, allow)) continue;
    const value = own === null ? word : joined;
    const found =
      credentialIn(word) ??
      (name !== undefined && value !== undefined ? literalUnder(name, value) : undefined) ??
      literalAssigned(joined ?? word, allow);
    if (found === undefined) continue;
    report(
      unmetAt(container, [field, index], name === undefined ? `holds ${found}` : `${dashes}${name} holds ${found}`),
    );
  }
}

function literalAssigned(word: string, allow: readonly string[]): string | undefined {
  if (!/\s/.test(word)) {
    const [, name = '', value = ''] = ASSIGNMENT.exec(word) ?? [];
    return matchesNamePattern(name, allow) ? undefined : literalUnder(name, value);
  }
  for (const [, flag, variable, quoted = ''] of word.matchAll(IN_TEXT)) {
    const name = flag ?? variable ?? '';
    const value = quoted.replace(/^(["'])([^]*)\1$/, '$2');
    // What the shell puts together is no literal; nor is a public key, cut off at a blank.
    const isOther = /^(?:-----|(?:ssh|ecdsa|sk-ssh)-)/.test(value) || (!quoted.startsWith("'") && /[$`]/.test(value));
    if (!isOther && !matchesNamePattern(name, allow) && isSecretLiteral(name, value)) return LITERAL;
  }
  return undefined;
}

function judgeHeaders(container: Container, allow: readonly string[], report: Report): void {
  for (const field of PROBE_FIELDS) {
    const headers = container.spec[field]?.httpGet?.httpHeaders;
    if (!headers) continue;
    for (const [index, { name, value }] of headers.entries()) {
      if (!value || matchesNamePattern(name, allow)) continue;
      const [, credential] = (/^authorization$/i.test(name) && /^(?:basic|bearer|token) +(\S{6,})/i.exec(value)) || [];
      const found = credential !== undefined && !isInnocent(credential) ? 'a credential' : credentialUnder(name, value);
      if (found === undefined) continue;
      const path = [field, 'httpGet', 'httpHeaders', index, 'value'];
      report(unmetAt(container, path, `header ${name} holds ${found}`, 'probe an endpoint that needs no credential'));
    }
  }
}

function judgeAnnotations(
  annotations: Readonly<Record<string, string>>,
  path: Path,
  allow: readonly string[],
  report: Report,
): void {
  for (const name of Object.keys(annotations)) {
    if (name === LAST_APPLIED || matchesNamePattern(name, allow)) continue;
    const found = credentialIn(annotations[name] ?? '');
    if (found === undefined) continue;
    report({ type: 'unmet', path: [...path, name], message: `holds ${found}`, remediation: 'move it into a Secret' });
  }
}

/** What a value is if it is a credential, judged by its format and by the name it stands under. */
function credentialUnder(name: string, value: string): string | undefined {
  return credentialIn(value) ?? literalUnder(name, value);
}

/** Placeholders are left to placeholderValues: one thing, one finding. */
function literalUnder(name: string, value: string): string | undefined {
  return isSecretLiteral(name, value) ? LITERAL : undefined;
}
