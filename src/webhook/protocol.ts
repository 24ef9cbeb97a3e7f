/** AdmissionReview (admission.k8s.io/v1): bytes in, a request or the reason why it is none. */
import { Ajv } from 'ajv';
import { Type, type Static } from 'typebox';
import { ListOf, Maybe } from '../engine/schema.ts';
import type { RawObject } from '../engine/workload.ts';

const Text = Type.String();
const AnyObject = Type.Unsafe<RawObject>({ type: 'object' });

const RequestSchema = Type.Object({
  uid: Type.String({ minLength: 1, maxLength: 256 }),
  kind: Type.Object({ group: Maybe(Text), version: Text, kind: Text }),
  resource: Type.Object({ group: Maybe(Text), version: Text, resource: Text }),
  subResource: Maybe(Text),
  name: Maybe(Text),
  namespace: Maybe(Text),
  operation: Type.Unsafe<'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'>({
    type: 'string',
    enum: ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'],
  }),
  userInfo: Type.Object({ username: Maybe(Text), uid: Maybe(Text), groups: ListOf(Text), extra: Maybe(AnyObject) }),
  object: Maybe(AnyObject),
  oldObject: Maybe(AnyObject),
  dryRun: Maybe(Type.Boolean()),
});

const ReviewSchema = Type.Object({
  apiVersion: Type.Unsafe<'admission.k8s.io/v1'>({ type: 'string', const: 'admission.k8s.io/v1' }),
  kind: Type.Unsafe<'AdmissionReview'>({ type: 'string', const: 'AdmissionReview' }),
  request: RequestSchema,
});

export type AdmissionRequest = Static<typeof RequestSchema>;

/** What the API server is answered. */
export interface AdmissionResponse {
  readonly allowed: boolean;
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

const validReview = new Ajv({ strict: false, validateFormats: false }).compile<Static<typeof ReviewSchema>>(
  ReviewSchema,
);

/** Reads a body. @throws BadRequest naming the field */
export function decodeReview(body: string): AdmissionRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new BadRequest(400, 'the body is not JSON');
  }
  if (!validReview(parsed)) {
    const error = validReview.errors?.[0];
    const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.') || 'body';
    const wanted = error?.params['allowedValue'] as string | undefined;
    const message = wanted === undefined ? error?.message : `must be ${wanted}`;
    throw new BadRequest(400, `not an AdmissionReview of admission.k8s.io/v1: ${field} ${message}`);
  }
  const { request } = parsed;
  if ((request.operation === 'CREATE' || request.operation === 'UPDATE') && !request.object) {
    throw new BadRequest(
      400,
      `not an AdmissionReview of admission.k8s.io/v1: request.object is required for ${request.operation}`,
    );
  }
  return request;
}

/** Writes the answer to a request. */
export function encodeReview(uid: string, response: AdmissionResponse): string {
  return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, ...response } });
}
