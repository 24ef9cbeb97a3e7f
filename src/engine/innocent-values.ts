/** Tells what stands under a secret's name and is clearly not the secret itself. */
import { isPlaceholder } from './placeholders.ts';
import { saysSecret } from './secret-names.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DIGEST = /^(?:sha(?:1|224|256|384|512)|md5)[:-][A-Za-z0-9+/]{22,128}={0,2}$/i;
const WORD_VALUES =
  /^(?:true|false|yes|no|on|off|none|null|nil|enabled|disabled|required|optional|auto|include|omit|same-origin|unset|empty|any|anonymous|inherit)$/i;
/** A switch, a number of one digit, a mask, a duration. */
const NO_SECRET = /^(?:.|([^\w\s])\1*|[0-9]{1,6}(?:ms|[smhdw]))$/;

/** `<config/>`, `</s>`: a part of a document. */
const MARKUP = /^<(?:\/[\w:-]{1,64}|[\w:-]{1,64}[^<>]{0,256}\/)>$/;
/** What programs show instead of a secret. */
const MASK = /^[<[](?:secret|redacted|hidden|masked|sensitive)[\]>]$/i;

const PUBLIC_PEM = /-----BEGIN (?:[A-Z0-9]+ ){0,3}(?:PUBLIC KEY|CERTIFICATE)/;
const SSH_PUBLIC_KEY = /^(?:ssh|ecdsa|sk-ssh)-[\w@.-]{1,64} AAAA/;

/** As people name objects, with or without namespace: words and small numbers, nothing random. */
export const OBJECT_NAME =
  /^(?:[a-z][a-z0-9-]{0,62}\/)?[a-z]{1,24}[0-9]{0,4}(?:[-.](?:[a-z]{1,24}[0-9]{0,4}|[0-9]{1,4})){0,12}$/;

/** All kinds of letters in one word. */
function isMixed(word: string): boolean {
  return /[A-Z]/.test(word) && /[a-z]/.test(word) && /[0-9]/.test(word);
}

/** A place where a secret is kept, in brackets of a tool: Azure, SOPS, Jasypt, Argo CD's plugin, Vector. */
const KEPT_IN_BRACKETS =
  /^(?:@Microsoft\.KeyVault\([^()]+\)|ENC\[[^[\]]+\]|ENC\([^()]+\)|<path:[^<>]+>|SECRET\[[^[\]]+\])$/;
/** The same by a scheme that vaults and tools resolve, or any URL (one with a password is found before). */
const SCHEME =
  /^(?:>>)?(?:([a-z][a-z0-9+.-]{1,40}):\/\/|(file|env|vault|secret|awssm|gcpsm|op|ssm|sm|arn|k8s|kubernetes|azurekeyvault|akv|kms|aws-[a-z-]{1,20}|gcp-[a-z-]{1,20}):|os\.environ\/)/;
const GOOGLE_RESOURCE = /^projects\/[^/]{1,64}\/(?:secrets|locations)\//;

function isKeptElsewhere(value: string): boolean {
  if (KEPT_IN_BRACKETS.test(value) || GOOGLE_RESOURCE.test(value)) return true;
  const scheme = SCHEME.exec(value)?.[0];
  if (scheme === undefined) return false;
  const place = value.slice(scheme.length);
  // A single word tells nothing of a place: `vault:S3cr3tPw`.
  return place !== '' && (/[/.:#]/.test(place) || OBJECT_NAME.test(place) || VARIABLE.test(place));
}
const VARIABLE = /^(?:[A-Z][A-Z0-9]{0,63}(?:_[A-Z0-9]{1,63}){0,16}|[a-z]{1,32}(?:_[a-z0-9]{1,32}){0,16})$/;

/** `secret/data/shop#password`: of words and small letters alone, since base64 has a slash too. */
const SLUG_PATH = /^(?:\.{1,2}|~|[a-z][a-z0-9_.-]{0,62})(?:\/[a-z0-9_.-]{1,63}){1,16}(?:#[\w.-]{1,64})?$/;
/** A segment of a path that nobody would write: of all kinds of letters and long. */
const RANDOM_SEGMENT = /[+=]|(?=[^/]{0,64}[A-Z])(?=[^/]{0,64}[a-z])(?=[^/]{0,64}[0-9])[^/]{20}/;
/** Folders under the root, in which files have any name. */
const KNOWN_FOLDER =
  /^\/(?:app|apps|bin|bitnami|boot|conf|config|configs|credentials|creds|data|dev|etc|home|lib|media|mnt|opt|proc|root|run|secret|secrets|srv|sys|tmp|tokens?|usr|var|vault|volumes?|work|workspace)\//;
const SEGMENT = /^[\w.@:~-]*$/;
/** The one segment of a path right under the root: a word, with an ending or not. */
const UNDER_ROOT = /^\/(?:[a-z]{1,24}|[A-Z][a-z]{1,24})[0-9]{0,2}(?:[._-][A-Za-z]{1,24}){0,4}\/?$/;
const WINDOWS_PATH = /^[A-Za-z]:[\\/](?:[\w. -]{1,64}[\\/]){1,16}[\w. -]{1,64}$/;

function isPath(value: string): boolean {
  if (!value.startsWith('/')) return SLUG_PATH.test(value) || WINDOWS_PATH.test(value);
  if (RANDOM_SEGMENT.test(value) || /\s/.test(value)) return false;
  if (KNOWN_FOLDER.test(value) || UNDER_ROOT.test(value)) return true;
  const segments = value.slice(1).split('/');
  return segments.length > 1 && segments.every((segment) => SEGMENT.test(segment) && !isMixed(segment));
}

/** `TOKEN: GITHUB_TOKEN` names the variable. */
const VARIABLE_NAME = /^[A-Z][A-Z0-9]{0,63}(?:_[A-Z0-9]{1,63}){1,16}(?<![0-9])$/;

/** Is a value that stands under a secret's name clearly not the secret itself: empty, a switch, a path, a reference? */
export function isInnocent(value: string): boolean {
  return (
    value.trim() === '' ||
    WORD_VALUES.test(value) ||
    NO_SECRET.test(value) ||
    isReference(value) ||
    isKeptElsewhere(value) ||
    isPath(value) ||
    (VARIABLE_NAME.test(value) && saysSecret(value)) ||
    MARKUP.test(value) ||
    MASK.test(value) ||
    PUBLIC_PEM.test(value) ||
    SSH_PUBLIC_KEY.test(value) ||
    UUID.test(value) ||
    DIGEST.test(value)
  );
}

/**
 * What the kubelet or a program resolves, with the tools that write it so. None can hold the start of another, so that a text
 * of many starts and no end is still read once.
 */
const REFERENCE = new RegExp(
  [
    /\$\([^()$]{1,256}\)/, // Kubernetes, shells
    /\$(?:[A-Za-z_]{0,24}|\$)\{[^{}$]{1,256}\}/, // shells, Spring, OpenTelemetry; $__file{} of Grafana, $ENV{} of Perl
    /\$env:\w{1,64}/, // PowerShell
    /\$[A-Z_][A-Z0-9_]{0,255}|\$[a-z_]{2,64}/, // shells
    /\{\{[^{}]{1,256}\}\}/, // Go templates, Jinja
    /\{(?:\$|env\.|file\.)[^{}$]{1,256}\}/, // Caddy
    /%(?:env)?\([^()%]{1,128}\)[s%]/, // Supervisor, Symfony
    /%\{[^{}]{1,128}\}/, // Fluentd, Logstash
    /%{1,2}\w{1,64}%{1,2}/, // Windows, Datadog
    /#\{[^{}]{1,128}\}#?/, // Ruby, Spring, Azure Pipelines
    /\(\([^()]{1,128}\)\)/, // Concourse, Spruce
    /\[\[[^[\]]{1,128}\]\]/, // Nomad
    /<%=?[^<>%]{1,128}%>/, // ERB
    /`[^`]{1,256}`/, // shells
    /!(?:ENV|env|vault|secret|Ref|ref) [^\s]{1,128}/, // tags of YAML
    /@@\w{1,64}@@|(?<!\w)__[A-Z0-9_]{1,64}__(?!\w)/, // sed
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
/** References stand in references: `${TOKEN:#{null}}`. */
const DEPTH = 2;

/** A text without the references in it. */
export function withoutReferences(value: string): string {
  let rest = value;
  for (let depth = 0; depth < DEPTH && /[$`{%#(<[!@_]/.test(rest); depth++) rest = rest.replace(REFERENCE, '');
  return rest;
}

/** `${DB_PASSWORD:-hunter2}`, `${db.password:hunter2}`: what counts where there is no such variable. `${env:NAME}` has none. */
const DEFAULT =
  /^\$\{(?:[A-Z_][A-Z0-9_]{0,255}(?::[-=]?|[-=])|[a-z][\w-]{0,64}(?:\.[\w-]{1,64}){1,8}:)([^{}$?+:=-][^{}$]{0,255})\}$/;

/**
 * Is a value made of nothing but references: `$(VAR)`, `${VAR}`, `{{ var }}`, `Bearer $(TOKEN)`, `$(USER):$(PASSWORD)`? One
 * that does not end is none: `$(S3cr3t`. Nor is one that brings a secret with it, as a default.
 */
function isReference(value: string): boolean {
  const [, fallback] = DEFAULT.exec(value) ?? [];
  if (fallback !== undefined && !isInnocent(fallback) && !isPlaceholder(fallback, true)) return false;
  const rest = withoutReferences(value);
  return rest !== value && !/\w/.test(rest.replace(/^\s*(?:basic|bearer|token)\b/i, ''));
}
