/**
 * Tells credentials and placeholders from ordinary configuration.
 *
 * Every pattern runs in time linear in the text: repetitions are bounded or follow a literal. What is found is named by
 * its format; the text itself is never returned.
 */

/**
 * Token formats, each by what its issuer documents. `$` in a value would be a reference, so nearly none of them contains it.
 * test/engine/credentials/formats.yaml holds what they must find, innocent.yaml what they must not.
 */
type Format = readonly [name: string, pattern: RegExp];
const FORMATS: readonly Format[] = [
  [
    'a private key',
    /PuTTY-User-Key-File-\d|LS0tLS1CRUdJTi(?:BSU0EgUFJJVkFURS|BQUklWQVRFIE|BFQyBQUklWQVRFIE|BPUEVOU1NIIFBSSVZBVEUg|BFTkNSWVBURUQgUFJJVkFURS|BEU0EgUFJJVkFURS)/,
  ],
  ['an AWS access key', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['an AWS Bedrock key', /\bABSK[A-Za-z0-9+/]{109}/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{50}/],
  ['a GitLab token', /\bgl(?:pat|dt|rt|rtr|ptt|cbt|soat|ft|imt|agent)-[\w-]{20}/],
  ['a Slack token', /\bxox[abeoprs]-[A-Za-z0-9-]{10}|\bxapp-\d-[A-Z0-9]{8,12}-\d{8,16}-[0-9a-f]{32}/],
  [
    'a Slack webhook',
    /hooks\.slack\.com\/(?:services\/T\w{6,20}\/B\w{6,20}\/\w{16}|(?:triggers|workflows)\/T\w{6,20}\/\w{8,24}\/\w{16})/,
  ],
  ['an API key of Anthropic', /\bsk-ant-[\w-]{20}/],
  ['an OpenRouter key', /\bsk-or-v1-[0-9a-f]{32}/],
  ['an API key of OpenAI', /\bsk-(?:(?:proj|svcacct|admin|None)-[\w-]{20}|[A-Za-z0-9]{20})/],
  ['a Google API key', /\bAIza[\w-]{35}/],
  ['a Google OAuth secret', /\bGOCSPX-[\w-]{28}/],
  ['a Google OAuth token', /\bya29\.[\w-]{32}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30}/],
  ['a Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/],
  ['a Stripe webhook secret', /\bwhsec_[A-Za-z0-9+/]{24}/],
  ['a SendGrid key', /\bSG\.[\w-]{16,64}\.[\w-]{16}/],
  ['a Twilio key', /\bSK[0-9a-f]{32}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['a PyPI token', /\bpypi-AgE[\w-]{36}/],
  ['a DigitalOcean token', /\bdo[opr]_v1_[0-9a-f]{64}/],
  ['a Vault token', /\bhv[sbr]\.[\w-]{24}/],
  ['a Databricks token', /\bdapi[0-9a-f]{32}/],
  ['a Grafana token', /\bglsa_[A-Za-z0-9]{32}_[0-9a-f]{8}|\bglc_eyJ[A-Za-z0-9+/]{32}/],
  ['a Docker Hub token', /\bdckr_(?:pat|oat)_[\w-]{24}/],
  ['a 1Password token', /\bops_eyJ[\w-]{64}/],
  ['a Sentry token', /\bsntry(?:u_[0-9a-f]{64}|s_eyJ[\w+/-]{32})/],
  ['a JSON Web Token', /(?<![\w-])eyJ[\w-]{8,4096}\.eyJ[\w-]{8,4096}\.[\w-]/],
  ['an Azure DevOps token', /\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b/],
  ['an Alibaba Cloud access key', /(?<![\w+/-])LTAI[A-Za-z0-9]{12,20}(?![\w+/=-])/],
  ['a Cloudflare key', /\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100}/],
  ['a Heroku token', /\bHRKU-[\w-]{36}/],
  ['a Netlify token', /\bnfp_[A-Za-z0-9]{36}/],
  ['a Fly token', /\bfm[12]_[A-Za-z0-9+/]{64}/],
  ['a Supabase key', /\bsbp_[0-9a-f]{40}|\bsb_secret_[\w-]{20}/],
  ['a PlanetScale token', /\bpscale_(?:pw|tkn|oauth)_[\w-]{32}/],
  ['a Bitbucket app password', /\bATBB[A-Za-z0-9]{32}\b/],
  ['an Atlassian token', /\bAT(?:ATT|CTT)3xFfG[\w-]{100}/],
  ['a CircleCI token', /\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{16,32}_[0-9a-f]{40}/],
  ['a Buildkite token', /\bbk(?:ua|aj|ct)_[0-9a-f]{40}/],
  ['a SonarQube token', /\bsq[uap]_[0-9a-f]{40}/],
  ['a Terraform Cloud token', /\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60}/],
  ['a Pulumi token', /(?<![\w-])pul-[0-9a-f]{40}\b/],
  ['a RubyGems key', /\brubygems_[0-9a-f]{48}/],
  ['a crates.io token', /(?<![\w-])cio[A-Za-z0-9]{32}\b/],
  ['a NuGet key', /(?<![\w-])oy2[a-z0-9]{43}\b/],
  ['an Artifactory key', /(?<![\w+/-])AKCp[A-Za-z0-9]{69}\b/],
  ['a Discord webhook', /discord(?:app)?\.com\/api\/webhooks\/\d{16,20}\/[\w-]{60}/],
  ['a Discord token', /(?<![\w-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])/],
  ['a Telegram token', /(?<![\w-])\d{8,10}:AA[\w-]{33}(?![\w-])/],
  [
    'a Microsoft Teams webhook',
    /\.webhook\.office\.com\/webhookb2\/[0-9a-f-]{36}@[0-9a-f-]{36}\/\w{8,32}\/[0-9a-f]{32}/,
  ],
  ['a Groq key', /\bgsk_[A-Za-z0-9]{52}/],
  ['a Replicate token', /\br8_[A-Za-z0-9]{37}/],
  ['a Perplexity key', /\bpplx-[A-Za-z0-9]{40}/],
  ['an xAI key', /\bxai-[A-Za-z0-9]{70}/],
  ['an NVIDIA key', /\bnvapi-[\w-]{60}/],
  ['a LangSmith key', /\blsv2_(?:pt|sk)_[0-9a-f]{32}/],
  ['a Pinecone key', /\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50}/],
  ['a Square token', /(?<![\w+/-])EAAA[\w-]{60}(?![\w+/=-])|\bsq0(?:atp|csp)-[\w-]{22}/],
  ['a Braintree token', /\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}/],
  ['a Plaid token', /\baccess-(?:production|development|sandbox)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/],
  ['a Shopify token', /\bshp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}/],
  ['a Mailgun key', /(?<![\w-])(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})(?![\w-])/],
  ['a Mailchimp key', /\b[0-9a-f]{32}-us\d{1,2}\b/],
  ['a Brevo key', /\bxkeysib-[0-9a-f]{64}-\w{16}/],
  ['a Resend key', /(?<![\w-])re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![\w-])/],
  ['a New Relic key', /\bNRAK-[A-Z0-9]{27}|\b[0-9a-f]{36}NRAL\b/],
  ['a Dynatrace token', /\bdt0[a-z]\d\d\.[A-Z2-7]{24}\.[A-Z2-7]{64}/],
  ['a Doppler token', /(?<![\w-])dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40}/],
  ['a Tailscale key', /\btskey-[a-z]{3,10}-[A-Za-z0-9-]{20}/],
  ['an age key', /\bAGE-SECRET-KEY-1[A-Z0-9]{58}/],
  ['a Linear key', /\blin_(?:api|oauth)_[A-Za-z0-9]{32}/],
  ['a Notion token', /\bntn_\d{11}[A-Za-z0-9]{35}/],
  ['a Figma token', /\bfigd_[\w-]{40}/],
  ['an Airtable token', /\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}/],
  ['a Postman key', /\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}/],
];

/** One pass over a text that none of FORMATS can be in. No flag `i`: it costs several times as much. */
const FORMAT_HINT =
  /PuTTY-|LS0tLS1CRUdJTi|A[KS]IA|ABSK|gh[pousr]_|github_pat|gl[a-z]{2,5}-|xox[a-z]-|xapp-|hooks\.slack|sk-|AIza|GOCSPX|ya29\.|hf_|[rs]k_|whsec_|SG\.|SK[0-9a-f]{8}|npm_|pypi-|_v1_|hv[sbr]\.|dapi|gl(?:sa|c)_|dckr_|ops_|sntry|eyJ|AZDO|LTAI|v1\.0-|HRKU-|nfp_|fm[12]_|sbp_|sb_s|pscale_|AT(?:BB|ATT3|CTT3)|CCIP|bk[a-z]{2}_|sq[uap0]|\.atlasv1|pul-|rubygems_|cio|oy2|AKCp|discord|\.[\w-]{6}\.[\w-]{27}|:AA|\.webhook\.|gsk_|r8_|pplx-|xai-|nvapi-|lsv2_|pcsk_|EAAA|access[_-]|shp[a-z]{2}_|key-[0-9a-f]|[0-9a-f]{32}-|xkeysib|re_|NRA[KL]|dt0[a-z]|dp\.|tskey-|AGE-S|lin_|ntn_|figd_|pat[A-Za-z0-9]{14}\.|PMAK/;

/** The shortest run of letters, digits, `_` and `-` that each of FORMATS holds somewhere. */
const RUN = 15;
const IN_RUN = tableOf((character) => /[\w-]/.test(character));

/** Which ASCII characters are of a kind, by their codes. */
function tableOf(isOne: (character: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => Number(isOne(String.fromCharCode(code))));
}

/** Are there RUN characters in a row of which tokens are made? Reads a part of the text only where there are not. */
function hasRun(text: string): boolean {
  let start = 0;
  while (start + RUN <= text.length) {
    let at = start + RUN - 1;
    while (at >= start && IN_RUN[text.charCodeAt(at)] === 1) at--;
    if (at < start) return true;
    start = at + 1;
  }
  return false;
}

/** Formats that need no such run, but one of the characters or words that PLACE looks for. */
const PLACED_FORMATS: readonly Format[] = [
  ['a private key', /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----/],
  ['an Azure storage key', /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40}/i],
  ['an Azure shared access signature', /[?&]sig=(?:[A-Za-z0-9+/]|%2[BFbf]){40}/],
  ['an Azure client secret', /(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31}/],
  ['a registry login', /"auths"[^]{0,512}?"auth" {0,4}: {0,4}"[A-Za-z0-9+/]{12}/],
];

/** What each of PLACED_FORMATS, each mark and each place of a password holds. */
const PLACE = /[=@~\uE000]|-----BEGIN|"auths"|uthorization/;

/** Marks what stands for a credential; of a range of Unicode that is for private use. */
const MARK = '\uE000';
const WITHHELD = /\uE000([^\uE000]{1,64})\uE000/;

/** What to keep of a credential instead of it. @param found - as `credentialIn` names it, which it will do again */
export function withheld(found: string): string {
  return MARK + found + MARK;
}

const URL_PASSWORD = /\b[A-Za-z][A-Za-z0-9+.-]{1,30}:\/\/[^/\s:@]{0,256}:([^@/\s]{1,512})@/g;
/** `...;Password=x;...` (ADO.NET), `...?user=a&password=x` (JDBC), `...,password=x,...` (StackExchange.Redis). */
const CONNECTION_PASSWORD = /(?:^|[;?&,])\s?(?:password|pwd)=([^;\s&,]{4,512})/gi;
/** `host=db password=x` (libpq), `... required username="a" password="x"` (JAAS). */
const SPACED_PASSWORD = /(?:^|\s)(?:password|pwd)=["']?([^;\s&"']{4,512})/gi;
/** What stands beside such a password; without it `password=` is a word in a sentence. */
const BESIDE_PASSWORD = /\b(?:host|server|user|username|uid|user id|dbname|database|port|sslmode) ?=/i;
/** `user:password@tcp(db:3306)/shop` (Go's driver for MySQL). */
const DSN_PASSWORD = /(?<![^\s"'=])[\w.-]{1,64}:([^\s@/]{1,256})@(?:tcp|unix)\(/g;
const ORACLE_PASSWORD = /\bjdbc:oracle:[a-z]{2,8}:[^/@\s]{1,64}\/([^@\s/]{1,256})@/g;
/** `Authorization: Bearer x`, also without the colon, as nginx writes it. */
const HEADER_CREDENTIAL =
  /\b[Aa]uthorization["']?[\s:=]{1,3}["']?(?:[Bb]asic|[Bb]earer|[Tt]oken|ApiKey) {1,4}([^\s"']{6,4096})/g;

/**
 * Finds a credential by its format anywhere in a text.
 *
 * @returns what it is (`a GitHub token`), or undefined.
 */
export function credentialIn(text: string): string | undefined {
  const isPlace = PLACE.test(text);
  if (isPlace && text.includes(MARK)) {
    const standsFor = WITHHELD.exec(text);
    if (standsFor !== null) return standsFor[1];
  }
  if (hasRun(text) && FORMAT_HINT.test(text)) {
    for (const [name, pattern] of FORMATS) if (pattern.test(text)) return name;
  }
  if (!isPlace) return undefined;
  for (const [name, pattern] of PLACED_FORMATS) if (pattern.test(text)) return name;
  if (text.includes('@') && text.includes('://') && passwordsIn(text, URL_PASSWORD).some(isReal)) {
    return 'a URL with a password';
  }
  if (connectionPasswords(text).some(isReal)) return 'a connection string with a password';
  if (text.includes('uthorization') && passwordsIn(text, HEADER_CREDENTIAL).some(isReal)) {
    return 'a credential in a header';
  }
  return undefined;
}

/** The passwords that a text holds at a place made for them. */
function passwordsIn(text: string, place: RegExp): string[] {
  return Array.from(text.matchAll(place), (match) => match[1] ?? '');
}

function connectionPasswords(text: string): string[] {
  const found: string[] = [];
  if (/(?:word|pwd)=/i.test(text)) {
    found.push(...passwordsIn(text, CONNECTION_PASSWORD));
    if (BESIDE_PASSWORD.test(text)) found.push(...passwordsIn(text, SPACED_PASSWORD));
  }
  if (/@(?:tcp|unix)\(/.test(text)) found.push(...passwordsIn(text, DSN_PASSWORD));
  if (text.includes('jdbc:oracle')) found.push(...passwordsIn(text, ORACLE_PASSWORD));
  return found;
}

/** Weak as it may be: `root` is a password too, where a password is expected. */
function isReal(password: string): boolean {
  return !isInnocent(password) && !isPlaceholder(password, false);
}

const SECRET_NAME =
  /(?:^|_)(?:api_?key|secret(?:_?(?:access_?)?key(?:_?base)?)?|client_?secret|(?:access|auth|api|bot)?token|pass|pass_?phrase|pwd|private_?key|access_?key(?:_?id)?|signing_?key|encryption_?key|credentials?)$|pass_?w(?:or)?d$/;
/** Names whose secrets show by their value too, since most keys are none: APP_KEY, TS_AUTHKEY, AZURE_DEVOPS_PAT. */
const KEY_NAME = /(?:key|_pat|_sas)$/;
/** What a key is for if it is no secret. */
const OTHER_KEY =
  /(?:public|site|publishable|cache|partition|sort|object|s3|primary|foreign|label|annotation|topology|message|lookup|index|kms|idempotency|row|hash|range|config|shard|hot|mon|bucket|file|translation)_?key$|(?<!pagerduty_)routing_?key$/;
/** The last three letters of every name that says secret or names a key: most names are done with them, or the last. */
const SECRET_ENDINGS = new Set([
  'key',
  'ret',
  'ken',
  'ase',
  'ass',
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
  'pat',
  'sas',
]);
const PUBLIC_NAME = /(?:public|site|publishable)_?(?:api_?)?key$|(?:max|min|next|page|continue)_token$/;
/** Names of what holds a secret, not of the secret: `--tls-secret`, IMAGE_PULL_SECRET, existingSecret. */
const HOLDER_NAME =
  /(?:^|_)(?:tls|ssl|certs?|certificate|ca|cacert|pull|registry|existing|kube|k8s|serving|storage|creds?|credentials?|password|backup|ingress|issuer|keystore|truststore|kubeconfig)_?secret$/;
/** As people name objects, with or without namespace: words and small numbers, nothing random. */
const OBJECT_NAME =
  /^(?:[a-z][a-z0-9-]{0,62}\/)?[a-z]{1,24}[0-9]{0,4}(?:[-.](?:[a-z]{1,24}[0-9]{0,4}|[0-9]{1,4})){0,12}$/;

/** Does a name (of a variable, flag or header) say that its value is a secret: DB_PASSWORD, apiKey, X-Auth-Token? */
export function saysSecret(name: string): boolean {
  if (!maySaySecret(name)) return false;
  const words = wordsOf(name);
  return SECRET_NAME.test(words) && !PUBLIC_NAME.test(words);
}

/** What a credential is called that only its name betrays. */
export const LITERAL = 'a literal credential';

/**
 * Is a value a credential that only its name betrays: `DB_PASSWORD: hunter2`? Placeholders are none; nor is what the value
 * shows to be the name of a Secret, a path, a reference.
 */
export function isSecretLiteral(name: string, value: string): boolean {
  if (!maySaySecret(name)) return false;
  const words = wordsOf(name);
  if (SECRET_NAME.test(words)) {
    if (PUBLIC_NAME.test(words) || isInnocent(value) || isPlaceholder(value, true)) return false;
    return !((HOLDER_NAME.test(words) || name === 'secret') && OBJECT_NAME.test(value));
  }
  return KEY_NAME.test(words) && !OTHER_KEY.test(words) && looksRandom(value) && !isInnocent(value);
}

const LAST_LETTERS = tableOf((letter) => [...SECRET_ENDINGS].some((ending) => ending.endsWith(letter.toLowerCase())));

function maySaySecret(name: string): boolean {
  return (
    LAST_LETTERS[name.charCodeAt(name.length - 1)] === 1 &&
    name.length <= 256 &&
    SECRET_ENDINGS.has(name.slice(-3).toLowerCase())
  );
}

function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.\s-]+/g, '_')
    .toLowerCase();
}

/** 32 hexadecimal digits, or 20 characters of base64 with all of its kinds of letters. */
function looksRandom(value: string): boolean {
  return (
    /^[0-9a-fA-F]{32,512}$/.test(value) ||
    (/^(?:base64:)?[A-Za-z0-9+/_-]{20,512}={0,2}$/.test(value) &&
      /[A-Z]/.test(value) &&
      /[a-z]/.test(value) &&
      /[0-9]/.test(value))
  );
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DIGEST = /^(?:sha(?:1|224|256|384|512)|md5)[:-][A-Za-z0-9+/=]+$/i;
const WORD_VALUES =
  /^(?:true|false|yes|no|on|off|none|null|nil|enabled|disabled|required|optional|auto|include|omit|same-origin|unset|empty|any|anonymous|inherit)$/i;
/** A switch, a number of one digit, a mask, a duration. */
const NO_SECRET = /^(?:.|([^\w\s])\1*|[0-9]{1,6}(?:ms|[smhdw]))$/;

const PUBLIC_PEM = /-----BEGIN (?:[A-Z0-9]+ ){0,3}(?:PUBLIC KEY|CERTIFICATE)/;
const SSH_PUBLIC_KEY = /^(?:ssh|ecdsa|sk-ssh)-[\w@.-]{1,64} AAAA/;

/** Where a secret is kept: a scheme that vaults and tools resolve, or any URL (one with a password is found before). */
const KEPT_ELSEWHERE =
  /^(?:>>)?(?:[a-z][a-z0-9+.-]{1,40}:\/\/|(?:file|env|vault|secret|awssm|gcpsm|op|ssm|sm|arn|k8s|kubernetes|azurekeyvault|akv|kms|aws-[a-z-]{1,20}|gcp-[a-z-]{1,20}):)|^@Microsoft\.KeyVault\(|^ENC\[|^<path:|^projects\/[^/]{1,64}\/(?:secrets|locations)\//;
/** `secret/data/shop#password`: of words and small letters alone, since base64 has a slash too. */
const SLUG_PATH = /^(?:\.{1,2}|~|[a-z][a-z0-9_.-]{0,62})(?:\/[a-z0-9_.-]{1,63}){1,16}(?:#[\w.-]{1,64})?$/;
/** A segment of a path that nobody would write: of all kinds of letters and long. */
const RANDOM_SEGMENT = /[+=]|(?=[^/]{0,64}[A-Z])(?=[^/]{0,64}[a-z])(?=[^/]{0,64}[0-9])[^/]{20}/;
/** `TOKEN: GITHUB_TOKEN` names the variable. */
const VARIABLE_NAME = /^[A-Z][A-Z0-9]{0,63}(?:_[A-Z0-9]{1,63}){1,16}$/;

/** Is a value that stands under a secret's name clearly not the secret itself: empty, a switch, a path, a reference? */
export function isInnocent(value: string): boolean {
  return (
    value.trim() === '' ||
    WORD_VALUES.test(value) ||
    NO_SECRET.test(value) ||
    isReference(value) ||
    KEPT_ELSEWHERE.test(value) ||
    (value.startsWith('/') ? !RANDOM_SEGMENT.test(value) : SLUG_PATH.test(value)) ||
    (VARIABLE_NAME.test(value) && saysSecret(value)) ||
    PUBLIC_PEM.test(value) ||
    SSH_PUBLIC_KEY.test(value) ||
    UUID.test(value) ||
    DIGEST.test(value)
  );
}

/** None can hold the start of another, so that a text of many starts and no end is still read once. */
const REFERENCE =
  /\$\([^()$]{1,256}\)|\$\{[^{}$]{1,256}\}|\$[A-Z_][A-Z0-9_]{0,255}|\$[a-z_]{2,64}|\{\{[^{}]{1,256}\}\}|%{1,2}\w{1,64}%{1,2}|#\{[^{}]{1,128}\}#?|\(\([^()]{1,128}\)\)/g;

/**
 * Is a value made of nothing but references, which the kubelet or the program resolves: `$(VAR)`, `${VAR}`, `{{ var }}`,
 * `Bearer $(TOKEN)`, `$(USER):$(PASSWORD)`?
 */
function isReference(value: string): boolean {
  if (/^(?:\$\(|`)/.test(value)) return true; // Cut off by a blank: `$(cat`.
  const rest = value.replace(REFERENCE, '');
  return rest !== value && !/\w/.test(rest.replace(/^\s*(?:basic|bearer|token)\b/i, ''));
}

/** `_` and `-` alone join the words of a placeholder; with spaces it would be a sentence for people. */
const PLACEHOLDER =
  /^(?:change[_ -]?(?:me|this|it)|replace[_ -]?(?:me|this|with[_ -].{1,64})|your[_-]\S{1,64}|<(?!path:)[^<>]{1,64}>|x{3,}|todo|todo[ :].{0,64}|fixme|tbd|placeholder|(?:insert|enter|put)[_-](?:your|the|a)[_-]\S{1,64}|\S{1,64}[_-]here)$/i;
/** What counts only where a secret belongs. */
const WEAK_WORD =
  /^(?:(?:your|insert|enter|put) .{1,64}|.{1,64} here|dummy|test|testing|admin|root|user|example|sample|demo|default|secret|password|passwd|pass|123456|12345678|qwerty|foo|bar|abc123|string)$/i;

const FIRST_LETTERS = tableOf((letter) => 'cCrRyY<xXtTfFpPiIeE'.includes(letter));

/** The first letters of PLACEHOLDER's words, and its one ending: nearly every value is done with them. */
function mayBePlaceholder(value: string): boolean {
  if (FIRST_LETTERS[value.charCodeAt(0)] === 1) return true;
  return (value.endsWith('e') || value.endsWith('E')) && value.slice(-4).toLowerCase() === 'here';
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
