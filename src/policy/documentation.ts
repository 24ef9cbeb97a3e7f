/** Where the documentation of a check is found. */

/**
 * Address of the folder docs/checks/ of this very release, with a slash at its end; empty while the project has no
 * published documentation. A release that has one sets it here, and everything that names a check links there.
 */
const DOCUMENTATION_BASE: string = '';

/** Address of a check's page; undefined while none is published. */
export function documentationOf(check: string, base = DOCUMENTATION_BASE): string | undefined {
  return base === '' ? undefined : `${base}${check}.md`;
}

/** Where a person reads on about a check: its page, or the command that prints the same. */
export function explainedBy(check: string): string {
  return documentationOf(check) ?? `kubectl readiness explain ${check}`;
}
