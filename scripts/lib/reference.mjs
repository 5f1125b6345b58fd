// @ts-check
// The generated parts of docs/, as Markdown.

/** @typedef {Readonly<Record<string, string>>} Texts */

const BLOCK = /<!-- begin: (.+?) -->\n[^]*?<!-- end -->/g;

/**
 * A page with its blocks filled in.
 * @param {string} page
 * @param {Texts} blocks content by what stands after `begin: `
 * @returns {string}
 */
export function filled(page, blocks) {
  return page.replace(BLOCK, (_, name) => {
    const content = blocks[name];
    if (content === undefined) throw new Error(`no block is called ${name}`);
    return `<!-- begin: ${name} -->\n\n${content}\n\n<!-- end -->`;
  });
}

/**
 * @param {any} manifest package.json
 * @param {Texts} texts package.nls.json
 * @returns {string}
 */
export function settingsBlock(manifest, texts) {
  const text = textOf(texts);
  return Object.entries(manifest.contributes.configuration.properties)
    .map(([id, setting]) => {
      const values = (setting.enum ?? []).map(
        (/** @type {string} */ value, /** @type {number} */ index) =>
          `- \`${value}\`: ${text(setting.enumDescriptions[index])}`,
      );
      const range =
        setting.minimum === undefined ? '' : `, from ${setting.minimum} to ${setting.maximum ?? 'any'}`;
      const scope = setting.scope === 'resource' ? 'folder' : (setting.scope ?? 'window');
      return [
        `## \`${id}\``,
        // VS Code shows `#id#` as a link to a setting.
        text(setting.markdownDescription ?? setting.description).replaceAll(/`#([\w.]+)#`/g, '`$1`'),
        ...(values.length > 0 ? [values.join('\n')] : []),
        `Default: \`${JSON.stringify(setting.default)}\`. Type: ${setting.type}${range}. Scope: ${scope}.`,
      ].join('\n\n');
    })
    .join('\n\n');
}

/**
 * @param {any} manifest
 * @param {Texts} texts
 * @returns {string}
 */
export function colorsBlock(manifest, texts) {
  const text = textOf(texts);
  const rows = manifest.contributes.colors.map(
    (/** @type {{ id: string, description: string, defaults: { dark: string, light: string } }} */ color) =>
      `| \`${color.id}\` | ${text(color.description)} | \`${color.defaults.dark}\` | \`${color.defaults.light}\` |`,
  );
  return ['| color | for | dark theme | light theme |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/**
 * The tables of docs/messages.md. A block names codes or their first parts; the longest match decides.
 * @param {Texts} sentences by code
 * @param {string} page
 * @returns {{ blocks: Texts, faults: string[] }}
 */
export function messageBlocks(sentences, page) {
  const names = [...page.matchAll(BLOCK)].map(([, name = '']) => name);
  const prefixes = names.flatMap((name) =>
    name
      .split(' ')
      .slice(1)
      .map((prefix) => ({ name, prefix })),
  );
  /** @type {Map<string, string[]>} */
  const rows = new Map(names.map((name) => [name, []]));
  const faults = [];
  const used = new Set();
  for (const [code, sentence] of Object.entries(sentences)) {
    const fitting = prefixes
      .filter(({ prefix }) => `${code}.`.startsWith(prefix.endsWith('.') ? prefix : `${prefix}.`))
      .sort((one, other) => other.prefix.length - one.prefix.length);
    const [best] = fitting;
    if (best === undefined) faults.push(`no block has ${code}`);
    else rows.get(best.name)?.push(`| ${sentence.replaceAll('|', '\\|')} | \`${code}\` |`);
    if (best !== undefined) used.add(best.prefix);
  }
  faults.push(
    ...prefixes.filter(({ prefix }) => !used.has(prefix)).map(({ prefix }) => `no message is ${prefix}`),
  );
  const blocks = Object.fromEntries(
    [...rows].map(([name, lines]) => [name, ['| message | code |', '| --- | --- |', ...lines].join('\n')]),
  );
  return { blocks, faults };
}

/**
 * The faults of the rows `| title | \`id\` | description |` of docs/commands.md.
 * @param {any} manifest
 * @param {Texts} texts
 * @param {string} page
 * @returns {string[]}
 */
export function commandFaults(manifest, texts, page) {
  const text = textOf(texts);
  const rows = [...page.matchAll(/^\| (.+?) +\| `(qcow2\.[\w.]+)` +\| (.+?) +\|$/gm)];
  const told = new Map(rows.map(([, title = '', id = '']) => [id, title]));
  /** @type {{ command: string, title: string }[]} */
  const commands = manifest.contributes.commands;
  const known = new Set(commands.map(({ command }) => command));
  return [
    ...commands
      .filter(({ command, title }) => told.get(command) !== text(title))
      .map(({ command, title }) => `${command} has no row with the title "${text(title)}"`),
    ...[...told.keys()].filter((id) => !known.has(id)).map((id) => `there is no command ${id}`),
  ];
}

/** @param {Texts} texts */
function textOf(texts) {
  return (/** @type {string} */ value) => {
    const key = /^%(.+)%$/.exec(value)?.[1];
    return key === undefined ? value : (texts[key] ?? value);
  };
}
