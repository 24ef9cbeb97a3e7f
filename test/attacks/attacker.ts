/** Who may do everything in one namespace (the role `admin`), and means to get past its policy. */
import { expect } from '@jest/globals';
import type { CommandResult } from '../cluster/kubectl.ts';
import { attempt, DEVELOPER, Stage, type Json } from '../integration/stage.ts';

/** What a ready Deployment of the stage meets, and `latest` does not. */
export const POLICY: Json = {
  profile: 'none',
  checks: {
    imageTag: { priority: 'Critical' },
    livenessProbe: { priority: 'Critical' },
    podSecurityBaseline: { priority: 'Critical' },
  },
};

export const LATEST = 'registry.example.com/shop/app:latest';

/** A namespace with the policy, whose administrator is the attacker. */
export async function besieged(name: string, policy: Json = POLICY): Promise<Stage> {
  const stage = await Stage.open(name, policy);
  await stage.grant(DEVELOPER.user, 'admin');
  return stage;
}

/** kubectl in the namespace as the attacker. */
export function attack(stage: Stage, args: readonly string[], input?: unknown): Promise<CommandResult> {
  return attempt(['-n', stage.namespace, ...args], input, { as: DEVELOPER });
}

/** The attacker creates an object. */
export function create(stage: Stage, object: unknown, ...more: string[]): Promise<CommandResult> {
  return attack(stage, ['create', '-f', '-', ...more], object);
}

/** The result of an attack that the operator refused, by a check. */
export function deniedBy(check: string): Json {
  const stderr = expect.stringMatching(new RegExp(`denied the request:[^]*\\b${check}\\b`)) as unknown;
  return { code: 1, stderr };
}

/** The result of an attack that needs permissions that the role `admin` has not. */
export const FORBIDDEN: Json = {
  code: 1,
  stderr: expect.stringMatching(/is forbidden: User "alice" cannot|attempting to grant RBAC permissions/) as unknown,
};
