#!/usr/bin/env node
// Plain old JavaScript without imports at the top: it must run, and say what is wrong, under any Node.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(`readiness-operator needs Node 22.19 or newer, this is ${process.versions.node}`);
  process.exitCode = 2;
} else {
  import('../dist/main.js').catch((error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error(`readiness-operator is not built (${error.message}); run: npm run build`);
    process.exitCode = 2;
  });
}
