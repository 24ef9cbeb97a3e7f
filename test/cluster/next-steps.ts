/** What somebody can do with the cluster that the quickstart left running: lines to paste into a shell. */
import { relative } from 'node:path';
import { ensureBinaries } from './binaries.ts';
import { exportOf, isOnPath, quoted } from './shell.ts';

/** A cluster that goes on running, with the operator and the policy of the samples. */
export interface Kept {
  readonly kubeconfig: string;
  /** Path of the manifest that the policy refuses. */
  readonly refused: string;
  /** The commands that end it. */
  readonly end: readonly string[];
}

/** The commands to try it and to end it, each on a line of its own. */
export async function nextSteps({ kubeconfig, refused, end }: Kept): Promise<string> {
  const kubectl = await commandOf('kubectl');
  // npm runs us in the folder of package.json, and says where its caller is.
  const manifest = relative(process.env['INIT_CWD'] ?? process.cwd(), refused);
  return `
It goes on running. To see a refusal, and what is reported:

${exportOf('KUBECONFIG', kubeconfig)}
${kubectl} apply -f ${quoted(manifest)}
${kubectl} get rrep -A

To end it:

${end.join('\n')}
`;
}

/** How a shell calls a program: by its name, or where the PATH has none, by the path of ours. */
export async function commandOf(program: 'kubectl' | 'helm'): Promise<string> {
  return isOnPath(program) ? program : quoted((await ensureBinaries([program]))[program]);
}
