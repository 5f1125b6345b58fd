// Loaded before a measured program (`node --require`): its last line on standard error is the milliseconds from when Node
// was ready until the program ended.
const { writeSync } = process.getBuiltinModule('node:fs');

const started = performance.now();
process.on('exit', () => {
  writeSync(2, `engine ${(performance.now() - started).toFixed(2)} ms\n`);
});
