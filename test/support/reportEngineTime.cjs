// Loaded before a measured program (`node --require`): says on standard error, last of all, how many milliseconds went
// by from when Node was up until the program ended.
const { writeSync } = process.getBuiltinModule('node:fs');

const started = performance.now();
process.on('exit', () => {
  writeSync(2, `engine ${(performance.now() - started).toFixed(2)} ms\n`);
});
