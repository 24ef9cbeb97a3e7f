/**
 * Tells credentials and placeholders from ordinary configuration.
 *
 * Every pattern runs in time linear in the text: repetitions are bounded or follow a literal. What is found is named by
 * its format; the text itself is never returned.
 */

/** Token formats, each by what its issuer documents. `$` in a value would be a reference, so none of them contains it. */
const FORMATS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50}/],
  ['a GitLab token', /\bgl(?:pat|dt|rt|ptt|cbt|soat)-[\w-]{20}/],
  ['a Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}/],
  ['a Slack webhook', /hooks\.slack\.com\/services\/T\w{6,20}\/B\w{6,20}\/\w{16}/],
  ['an API key of Anthropic', /\bsk-ant-[\w-]{20}/],
  ['an API key of OpenAI', /\bsk-(?:(?:proj|svcacct|admin|None)-[\w-]{20}|[A-Za-z0-9]{20})/],
  ['a Google API key', /\bAIza[\w-]{35}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30}/],
  ['a Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/],
  ['a Stripe webhook secret', /\bwhsec_[A-Za-z0-9+/]{24}/],
  ['a SendGrid key', /\bSG\.[\w-]{16,64}\.[\w-]{16}/],
  ['a Twilio key', /\bSK[0-9a-f]{32}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['a PyPI token', /\bpypi-AgEIcHlwaS5vcmc[\w-]{20}/],
  ['a DigitalOcean token', /\bdo[opr]_v1_[0-9a-f]{64}/],
  ['a Vault token', /\bhv[sbr]\.[\w-]{24}/],
  ['a Databricks token', /\bdapi[0-9a-f]{32}/],
  ['a Grafana token', /\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}/],
  ['a Docker Hub token', /\bdckr_(?:pat|oat)_[\w-]{24}/],
  ['a JSON Web Token', /(?<![\w-])eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]/],
  ['an Azure storage key', /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40}/i],
];

/** One pass over a text that none of the formats can be in: nearly every text. No flag `i`: it costs several times as much. */
const ANY_HINT =
  /-----BEGIN|A[KS]IA|gh[pousr]_|github_pat|gl[a-z]{2,4}-|xox[a-z]-|hooks\.slack|sk-|AIza|hf_|[rs]k_|whsec_|SG\.|SK[0-9a-f]|npm_|pypi-|_v1_|hv[sbr]\.|dapi|glsa_|dckr_|eyJ|\uE000|(?:[Kk][Ee][Yy]|[Ww][Oo][Rr][Dd]|[Pp][Ww][Dd])=|:\/\//;

/** Marks what stands for a credential; of a range of Unicode that is for private use. */
const MARK = '\uE000';
const WITHHELD = /\uE000([^\uE000]{1,64})\uE000/;

/** What to keep of a credential instead of it. @param found - as `credentialIn` names it, which it will do again */
export function withheld(found: string): string {
  return MARK + found + MARK;
}

const URL_PASSWORD = /\b[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^/\s:@]{0,256}:([^@/\s]{1,512})@/g;
/** `...;Password=x;...` (ADO.NET), `...?user=a&password=x` (JDBC). */
const CONNECTION_PASSWORD = /(?:^|[;?&\s])(?:password|pwd)=([^;\s&]{4,512})/gi;

/**
 * Finds a credential by its format anywhere in a text.
 *
 * @returns what it is (`a GitHub token`), or undefined.
 */
export function credentialIn(text: string): string | undefined {
  if (!ANY_HINT.test(text)) return undefined;
  const standsFor = WITHHELD.exec(text);
  if (standsFor !== null) return standsFor[1];
  for (const [name, pattern] of FORMATS) if (pattern.test(text)) return name;
  if (passwordsIn(text, URL_PASSWORD).some(isReal)) return 'a URL with a password';
  if (passwordsIn(text, CONNECTION_PASSWORD).some(isReal)) return 'a connection string with a password';
  return undefined;
}

/** The passwords that a text holds at a place made for them. */
function passwordsIn(text: string, place: RegExp): string[] {
  return Array.from(text.matchAll(place), (match) => match[1] ?? '');
}

/** Weak as it may be: `root` is a password too, where a password is expected. */
function isReal(password: string): boolean {
  return !isInnocent(password) && !isPlaceholder(password, false);
}

const SECRET_NAME =
  /(?:^|_)(?:api_?key|secret(?:_?(?:access_?)?key(?:_?base)?)?|client_?secret|token|pass_?phrase|pwd|private_?key|access_?key(?:_?id)?|signing_?key|encryption_?key|credentials?)$|pass_?w(?:or)?d$/;
/** The last three letters of every name that SECRET_NAME takes: most names are done with them. */
const SECRET_ENDINGS = new Set([
  'key',
  'ret',
  'ken',
  'ase',
  'pwd',
  'ial',
  'als',
  'ord',
  'swd',
  'yid',
  '_id',
  '-id',
  '.id',
  ' id',
]);
const PUBLIC_NAME = /(?:public|site|publishable)_?(?:api_?)?key$/;

/** Does a name (of a variable, flag or header) say that its value is a secret: DB_PASSWORD, apiKey, X-Auth-Token? */
export function saysSecret(name: string): boolean {
  if (name.length > 256 || !SECRET_ENDINGS.has(name.slice(-3).toLowerCase())) return false;
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.\s-]+/g, '_')
    .toLowerCase();
  return SECRET_NAME.test(words) && !PUBLIC_NAME.test(words);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DIGEST = /^(?:sha(?:1|224|256|384|512)|md5)[:-][A-Za-z0-9+/=]+$/i;
const WORD_VALUES = /^(?:true|false|yes|no|on|off|none|null|nil|enabled|disabled|required|optional|auto)$/i;

const PUBLIC_PEM = /-----BEGIN (?:[A-Z0-9]+ ){0,3}(?:PUBLIC KEY|CERTIFICATE)/;
const SSH_PUBLIC_KEY = /^(?:ssh|ecdsa|sk-ssh)-[\w@.-]{1,64} AAAA/;

/** Is a value that stands under a secret's name clearly not the secret itself: empty, a switch, a path, a reference? */
export function isInnocent(value: string): boolean {
  return (
    value.trim() === '' ||
    WORD_VALUES.test(value) ||
    isReference(value) ||
    value.startsWith('/') ||
    /^(?:file|vault|secret|ref\+\w+|awssm|gcpsm|op):/.test(value) ||
    PUBLIC_PEM.test(value) ||
    SSH_PUBLIC_KEY.test(value) ||
    UUID.test(value) ||
    DIGEST.test(value)
  );
}

/** None can hold the start of another, so that a text of many starts and no end is still read once. */
const REFERENCE = /\$\([^()$]{1,256}\)|\$\{[^{}$]{1,256}\}|\$[A-Z_][A-Z0-9_]{0,255}|\{\{[^{}]{1,256}\}\}/g;

/**
 * Is a value made of nothing but references, which the kubelet or the program resolves: `$(VAR)`, `${VAR}`, `{{ var }}`,
 * `Bearer $(TOKEN)`, `$(USER):$(PASSWORD)`?
 */
function isReference(value: string): boolean {
  const rest = value.replace(REFERENCE, '');
  return rest !== value && !/\w/.test(rest.replace(/^\s*(?:basic|bearer|token)\b/i, ''));
}

/** `_` and `-` alone join the words of a placeholder; with spaces it would be a sentence for people. */
const PLACEHOLDER =
  /^(?:change[_ -]?(?:me|this|it)|replace[_ -]?(?:me|this|with[_ -].{1,64})|your[_-]\S{1,64}|<[^<>]{1,64}>|x{3,}|todo|todo[ :].{0,64}|fixme|tbd|placeholder|(?:insert|enter|put)[_-](?:your|the|a)[_-]\S{1,64}|\S{1,64}[_-]here)$/i;
/** What counts only where a secret belongs. */
const WEAK_WORD =
  /^(?:(?:your|insert|enter|put) .{1,64}|.{1,64} here|dummy|test|testing|admin|root|user|example|sample|demo|default|secret|password|passwd|pass|123456|12345678|qwerty|foo|bar|abc123|string)$/i;

/** The first letters of PLACEHOLDER's words, and its one ending: nearly every value is done with them. */
function mayBePlaceholder(value: string): boolean {
  return 'cCrRyY<xXtTfFpPiIeE'.includes(value.charAt(0)) || value.slice(-4).toLowerCase() === 'here';
}

/**
 * Is a value one that somebody meant to replace: changeme, your-api-key-here, TODO, `<token>`, xxx; or a URL with such a
 * password?
 *
 * @param underSecretName - whether bare words count too (test, admin, password), which mean nothing elsewhere
 */
export function isPlaceholder(value: string, underSecretName: boolean): boolean {
  if (value.length > 128) return false;
  const trimmed = value.trim();
  return (
    (mayBePlaceholder(trimmed) && PLACEHOLDER.test(trimmed)) ||
    (underSecretName && WEAK_WORD.test(trimmed)) ||
    (trimmed.includes('://') && passwordsIn(trimmed, URL_PASSWORD).some((password) => isPlaceholder(password, false)))
  );
}
