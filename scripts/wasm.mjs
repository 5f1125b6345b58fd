// @ts-check
// Compiles the WebAssembly text of the engine: `npm run wasm` writes simd.wasm.ts, `--check` writes nothing and fails if it
// is stale. The result is committed: bundlers, tests and benchmarks read the engine's TypeScript without a build step.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import openWabt from 'wabt';
import { ROOT } from './lib/paths.mjs';

const SOURCE = 'src/qcow2/io/simd.wat';
const TARGET = 'src/qcow2/io/simd.wasm.ts';

const wabt = await openWabt();
const parsed = wabt.parseWat(SOURCE, readFileSync(path.join(ROOT, SOURCE), 'utf8'), { simd: true });
parsed.validate();
const binary = Buffer.from(parsed.toBinary({}).buffer).toString('base64');
const lines = (binary.match(/.{1,100}/g) ?? []).map((line) => `  '${line}'`);
const wanted = `/** The binary of simd.wat in Base64, written by \`npm run wasm\`. */\nexport const SIMD_WASM =\n${lines.join(' +\n')};\n`;

const target = path.join(ROOT, TARGET);
if (!process.argv.includes('--check')) writeFileSync(target, wanted);
else if (readFileSync(target, 'utf8') !== wanted) {
  console.error(`${TARGET} is stale: run \`npm run wasm\``);
  process.exitCode = 1;
}
