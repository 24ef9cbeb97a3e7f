/**
 * AdmissionReview (admission.k8s.io/v1): bytes in, a request or the reason why it is none. Its shape is looked at by hand:
 * a validator made of a schema costs as much as judging does.
 */
import { isObject, type RawObject } from '../engine/workload.ts';
import { structureProblem } from './structure.ts';

type Optional<T> = T | null | undefined;

const OPERATIONS = ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const;

/** AdmissionRequest, as far as it is read. Null is the same as absent. */
export interface AdmissionRequest {
  readonly uid: string;
  readonly kind: { readonly group?: Optional<string>; readonly version: string; readonly kind: string };
  readonly resource: { readonly group?: Optional<string>; readonly version: string; readonly resource: string };
  readonly subResource?: Optional<string>;
  readonly name?: Optional<string>;
  readonly namespace?: Optional<string>;
  readonly operation: (typeof OPERATIONS)[number];
  readonly userInfo: {
    readonly username?: Optional<string>;
    readonly uid?: Optional<string>;
    readonly groups?: Optional<readonly string[]>;
    readonly extra?: Optional<RawObject>;
  };
  readonly object?: Optional<RawObject>;
  readonly oldObject?: Optional<RawObject>;
  readonly dryRun?: Optional<boolean>;
}

/** A change of the object, RFC 6902. */
export type PatchOperation =
  | { readonly op: 'add'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** What the API server is answered. */
export interface AdmissionResponse {
  readonly allowed: boolean;
  /** Only a mutating webhook may change the object. */
  readonly patch?: readonly PatchOperation[];
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

/** Input that is no AdmissionReview; answered with this HTTP status. */
export class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'BadRequest';
    this.status = status;
  }
}

const NO_REVIEW = 'not an AdmissionReview of admission.k8s.io/v1:';
const LONGEST_UID = 256;

/** Reads a body. @throws BadRequest naming the field */
export function decodeReview(body: Buffer): AdmissionRequest {
  const problem = structureProblem(body);
  if (problem !== undefined) throw new BadRequest(400, `the body ${problem}`);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    throw new BadRequest(400, 'the body is not JSON');
  }
  const review = objectAt(parsed, 'body');
  if (review['apiVersion'] !== 'admission.k8s.io/v1') wrong('apiVersion', 'must be admission.k8s.io/v1');
  if (review['kind'] !== 'AdmissionReview') wrong('kind', 'must be AdmissionReview');
  const request = objectAt(review['request'], 'request');

  const uid = textAt(request, 'uid', 'request.uid');
  if (uid === '' || uid.length > LONGEST_UID) wrong('request.uid', `must have 1 to ${LONGEST_UID} characters`);
  const kind = objectAt(request['kind'], 'request.kind');
  optional(kind, 'group', isText, 'request.kind.group', 'string');
  textAt(kind, 'version', 'request.kind.version');
  textAt(kind, 'kind', 'request.kind.kind');
  const resource = objectAt(request['resource'], 'request.resource');
  optional(resource, 'group', isText, 'request.resource.group', 'string');
  textAt(resource, 'version', 'request.resource.version');
  textAt(resource, 'resource', 'request.resource.resource');
  optional(request, 'subResource', isText, 'request.subResource', 'string');
  optional(request, 'name', isText, 'request.name', 'string');
  optional(request, 'namespace', isText, 'request.namespace', 'string');
  const operation = request['operation'];
  if (!OPERATIONS.includes(operation as AdmissionRequest['operation'])) {
    wrong('request.operation', `must be one of ${OPERATIONS.join(', ')}`);
  }
  const user = objectAt(request['userInfo'], 'request.userInfo');
  optional(user, 'username', isText, 'request.userInfo.username', 'string');
  optional(user, 'uid', isText, 'request.userInfo.uid', 'string');
  optional(user, 'groups', isTexts, 'request.userInfo.groups', 'an array of strings');
  optional(user, 'extra', isObject, 'request.userInfo.extra', 'object');
  optional(request, 'object', isObject, 'request.object', 'object');
  optional(request, 'oldObject', isObject, 'request.oldObject', 'object');
  optional(request, 'dryRun', isFlag, 'request.dryRun', 'boolean');
  if ((operation === 'CREATE' || operation === 'UPDATE') && !request['object']) {
    wrong('request.object', `is required for ${operation}`);
  }
  // Looked at field by field above.
  return request as unknown as AdmissionRequest;
}

function wrong(field: string, message: string): never {
  throw new BadRequest(400, `${NO_REVIEW} ${field} ${message}`);
}

function objectAt(value: unknown, field: string): RawObject {
  if (value === undefined) wrong(field, 'is required');
  return isObject(value) ? value : wrong(field, 'must be object');
}

function textAt(holder: RawObject, name: string, field: string): string {
  const value = holder[name];
  if (value === undefined) wrong(field, 'is required');
  return isText(value) ? value : wrong(field, 'must be string');
}

function optional(
  holder: RawObject,
  name: string,
  fits: (value: unknown) => boolean,
  field: string,
  wanted: string,
): void {
  const value = holder[name];
  if (value !== undefined && value !== null && !fits(value)) wrong(field, `must be ${wanted}`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isFlag(value: unknown): boolean {
  return typeof value === 'boolean';
}

/** Writes the answer to a request. */
export function encodeReview(uid: string, response: AdmissionResponse): string {
  const { patch } = response;
  const encoded =
    patch === undefined
      ? { uid, ...response }
      : { uid, ...response, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: encoded });
}
