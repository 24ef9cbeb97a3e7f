/** Tells what stands under a secret's name and is clearly not the secret itself. */
import { saysSecret } from './secret-names.ts';

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
