/** Tells by a name (of a variable, flag, header, setting) whether its value is a secret. */
import { tableOf } from './character-table.ts';

/** What a password belongs to where its name is one word: DBPASS, requirepass, sshpwd. Not compass, bypass, proxy_pass. */
const OWNER =
  'db|database|sql|mysql|maria|pg|postgres|postgresql|pgsql|mongo|redis|smtp|mail|imap|ldap|user|admin|root|ftp|ssh|mq|rabbitmq|amqp|broker|app|key|store|keystore|truststore|require|default|login|auth|bind|service|svc';
const SECRET_NAME = new RegExp(
  `(?:^|_)(?:${[
    'api_?key',
    'secret(?:_?(?:access_?)?key(?:_?base)?)?',
    '(?:client|jwt|app|auth|session|cookie|oauth2?|webhook|shared|api|hmac|consumer|signing)_?secret',
    '(?:access|auth|api|bot|bearer|refresh|session|csrf|jwt|git|github|gitlab|slack|npm|vault|deploy|registry|admin|user)?token',
    `(?:${OWNER})?(?:pass|pwd)`,
    'pw',
    'pass_?phrase',
    'pass_?code',
    'private_?key',
    'access_?key(?:_?id)?',
    'signing_?key',
    'encryption_?key',
    'credentials?',
    '(?:redis_?|master_?)auth',
  ].join('|')})$|pass_?w(?:or)?d$`,
);
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
  '_pw',
  '-pw',
  '.pw',
  'ode',
  'uth',
]);
/** What is called a key or token and meant for everyone: also the marks between the parts of a text for a language model. */
const PUBLIC_NAME =
  /(?:public|site|publishable)_?(?:api_?)?key$|(?:^|_)(?:max|min|next|page|continue|continuation|stop|bos|eos|pad|unk|mask|sep|cls)_?token$/;
/** How many tokens there may be: LLM_MAX_OUTPUT_TOKEN. */
const COUNT_NAME = /(?:^|_)(?:max|min|num|limit)_(?:[a-z0-9]{1,32}_){0,3}token$/;
/** Names of what holds a secret, not of the secret: `--tls-secret`, IMAGE_PULL_SECRET, existingSecret. */
const HOLDER_NAME =
  /(?:^|_)(?:tls|ssl|certs?|certificate|ca|cacert|pull|registry|existing|kube|k8s|serving|storage|creds?|credentials?|password|backup|ingress|issuer|keystore|truststore|kubeconfig)_?secret$/;

/** Names of Secrets by what they are for: DB_SECRET. The object's name has several words: one alone is a password as well. */
const STORE_NAME =
  /(?:^|_)(?:db|database|postgres|postgresql|mysql|mariadb|redis|mongo|mongodb|rabbitmq|kafka|elastic|elasticsearch|smtp|mail|minio|s3|image|docker|repo|repository|ldap|admin|root|user)_?secret$|^secret$/;

/** Does a name (of a variable, flag or header) say that its value is a secret: DB_PASSWORD, apiKey, X-Auth-Token? */
export function saysSecret(name: string): boolean {
  const role = roleOfName(name);
  return role !== undefined && role !== 'key';
}

/**
 * What a name says of its value.
 *
 * - `secret`: it is one.
 * - `count`: it is one, or a number of them.
 * - `holder`: it is one, or the name of the object that holds it; `store`: the same, and that name has several words.
 * - `key`: it is a key, which may be secret.
 */
export type NameRole = 'secret' | 'count' | 'holder' | 'store' | 'key';

/** The role of a name, undefined for nearly all: most are done with their last letters. */
export function roleOfName(name: string): NameRole | undefined {
  if (name.length > LONGEST_NAME) return undefined;
  const role = roleOf(name);
  if (role !== undefined) return role;
  const bare = withoutQualifiers(name);
  return bare === name ? undefined : roleOf(bare);
}

function roleOf(name: string): NameRole | undefined {
  if (!maySaySecret(name)) return undefined;
  const words = wordsOf(name);
  if (SECRET_NAME.test(words)) {
    if (PUBLIC_NAME.test(words)) return undefined;
    if (COUNT_NAME.test(words)) return 'count';
    if (HOLDER_NAME.test(words) || name === 'secret') return 'holder';
    return STORE_NAME.test(words) ? 'store' : 'secret';
  }
  return KEY_NAME.test(words) && !OTHER_KEY.test(words) ? 'key' : undefined;
}

/** Kubernetes' own names are no longer than this. */
const LONGEST_NAME = 256;

/** Which of several, at the end of a name: DB_PASSWORD_PROD, API_TOKEN_2, dbPasswordOld. Not what of it: PASSWORD_FILE. */
const QUALIFIERS = new Set(
  (
    'prod production prd staging stage stg dev devel development test testing qa uat int live preprod sandbox local demo ' +
    'eu us primary secondary main old new current previous prev backup replica master slave ro rw readonly admin root ' +
    'value val plain plaintext raw b64 base64 hex'
  ).split(' '),
);
const LONGEST_QUALIFIER = Math.max(...[...QUALIFIERS].map(({ length }) => length));
const MOST_QUALIFIERS = 3;
const NUMBER = /^v?[0-9]{1,4}$/;

function withoutQualifiers(name: string): string {
  let rest = name;
  for (let count = 0; count < MOST_QUALIFIERS; count++) {
    const start = lastWordOf(rest);
    const word = rest.slice(start).toLowerCase();
    if (QUALIFIERS.has(word) || NUMBER.test(word)) rest = rest.slice(0, start).replace(/[_.\s-]$/, '');
    else break;
  }
  // `password2`
  return rest.replace(/(?<![0-9])[0-9]{1,4}$/, '');
}

const IS_SEPARATOR = tableOf((character) => /[_.\s-]/.test(character));
const IS_CAPITAL = tableOf((character) => /[A-Z]/.test(character));

/** Where the last word of a name begins: behind a separator or at a capital letter. The end if it is a long one. */
function lastWordOf(name: string): number {
  const least = Math.max(1, name.length - LONGEST_QUALIFIER);
  for (let at = name.length - 1; at >= least; at--) {
    const before = name.charCodeAt(at - 1);
    if (IS_SEPARATOR[before] === 1) return at;
    if (IS_CAPITAL[name.charCodeAt(at)] === 1 && IS_CAPITAL[before] !== 1) return at;
  }
  return name.length;
}

const LAST_LETTERS = tableOf((letter) => [...SECRET_ENDINGS].some((ending) => ending.endsWith(letter.toLowerCase())));

function maySaySecret(name: string): boolean {
  return LAST_LETTERS[name.charCodeAt(name.length - 1)] === 1 && SECRET_ENDINGS.has(name.slice(-3).toLowerCase());
}

function wordsOf(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[.\s-]+/g, '_')
    .toLowerCase();
}
