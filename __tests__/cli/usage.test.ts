/** Errors for wrong usage, and the output of `--help` and `--version`. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommand } from '../../lib/cli/arguments'
import { commands, inboxCommands } from '../../lib/cli/commands'
import { FINDINGS } from '../../lib/cli/doctor/findings'
import { UsageError } from '../../lib/cli/errors'
import { cli } from './cli'

const id = '0f8fad5b-d9cb-869f-a165-70867728950e'

/** Runs a command in this process. Wrong usage is refused before the command opens an inbox. */
async function run(words: string[]): Promise<void> {
  const parsed = parseCommand(words)
  if (parsed.ask === 'run') await parsed.command.run(parsed.call)
}

test.each([
  [[], 'The command is missing'],
  [['outbox'], 'Unknown command outbox; the commands are inbox, trigger, simulate, doctor.'],
  [['inbox'], 'command after inbox is missing: the commands are list, show'],
  [['inbox', './x.db'], 'command after inbox is missing'],
  [
    ['inbox', 'lst'],
    /Unknown command inbox lst; the commands are list, show, replay, give-up, purge, stats, check, catch-up: did you mean list\?$/,
  ],
  [['inbox', './a.db', './b.db', 'list'], 'inbox takes one file or URL.'],
  [['inbox', 'postgres://[x', 'list'], 'must have the form postgres://user@host/database'],
  [['inbox', 'postgres:///db', 'list'], 'must have the form postgres://user@host/database'],
  [['inbox', '/x', 'toString'], 'Unknown command inbox toString'],
  [['inbox', '/x', 'li\u001b[2Jst'], 'Unknown command "inbox li\\u001b[2Jst"'],
  [['inbox', '/x', 'list', '--entty', 'x'], 'There is no option --entty: did you mean --entity?'],
  [['inbox', '/x', 'list', '--\u001b[2J'], 'There is no option "--\\u001b[2J"'],
  [['inbox', '/x', 'list', '--yes'], 'inbox list has no option --yes'],
  [['inbox', '/x', 'list', '--state'], "Option '--state <value>' argument missing."],
  [['inbox', '/x', 'list', '--entity', '-21'], 'write --entity=-…'],
  [['inbox', '/x', 'list', '--json=yes'], "Option '--json' does not take an argument"],
  [['inbox', '/x', 'list', '--entity', ''], '--entity is empty'],
  [
    ['inbox', '/x', 'list', '--state', 'lost'],
    '--state is lost; it must be one of waiting, running, delivered, dead, quarantined.',
  ],
  [['inbox', '/x', 'list', '--kind', 'orders'], '--kind is orders'],
  [['inbox', '/x', 'list', '--limit', '0'], '--limit is 0; it must be a whole number'],
  [['inbox', '/x', 'list', '--limit', '1e3'], '--limit is 1e3'],
  [['inbox', '/x', 'list', id], `list takes filters, not ${id}`],
  [['inbox', '/x', 'show'], 'show takes one ID'],
  [['inbox', '/x', 'show', id, id], 'show takes one ID'],
  [['inbox', '/x', 'show', id, '--json', '--raw'], 'exclude each other'],
  [['inbox', '/x', 'replay'], 'replay needs IDs or a filter'],
  [['inbox', '/x', 'replay', id, '--kind', 'order'], 'IDs or filters, not both'],
  [['inbox', '/x', 'replay', id, '--wait', 'long'], '--wait is long; it must be a duration'],
  [['inbox', '/x', 'give-up', '--reason', 'x'], 'give-up takes one ID'],
  [['inbox', '/x', 'give-up', id], 'give-up needs a --reason'],
  [['inbox', '/x', 'give-up', id, '--reason', ''], '--reason is empty'],
  [['inbox', '/x', 'purge'], 'purge needs IDs, or --state dead or --state quarantined'],
  [['inbox', '/x', 'purge', '--state', 'waiting'], 'purge needs IDs, or --state dead'],
  [['inbox', '/x', 'purge', '--state', 'dead', id], 'IDs or filters, not both'],
  [['inbox', '/x', 'stats', 'dead'], 'stats takes no dead'],
  [['simulate'], 'The URL of the webhook is missing'],
  [['simulate', 'x', '--to', 'http://localhost'], 'simulate takes no x'],
  [['simulate', '--to', 'localhost'], '--to must be an http: or https: URL'],
  [['simulate', '--to', 'http://me:secret@localhost/'], 'use --basic or --bearer'],
  [['simulate', '--to', 'http://localhost/{orderId}'], 'must not have a variable'],
  [['simulate', '--to', 'http://localhost', '--orders', '0'], '--orders is 0'],
  [['simulate', '--to', 'http://localhost', '--rate', 'fast'], '--rate is fast'],
  [['simulate', '--to', 'http://localhost', '--rate', '0'], '--rate is 0'],
  [['simulate', '--to', 'http://localhost', '--rate', '9999/s'], '--rate is 9999/s'],
  [['simulate', '--to', 'http://localhost', '--lose', '5'], '--lose is 5'],
  [['simulate', '--to', 'http://localhost', '--lose', '101%'], '--lose is 101%'],
  [['simulate', '--to', 'http://localhost', '--basic', 'me:secret'], '--basic takes only the user name'],
  [['doctor'], 'doctor takes one URL'],
  [['doctor', 'http://localhost', 'http://localhost'], 'doctor takes one URL'],
  [['doctor', 'localhost'], 'must begin with https:// or http://'],
  [['doctor', 'https://'], 'no valid host name'],
  [['doctor', 'https://me:secret@localhost/'], 'use --basic or --bearer'],
  [['doctor', 'https://localhost/ä'], 'non-ASCII characters'],
  [['doctor', 'https://localhost/{orderId}/{shipmentId}'], 'several variables'],
  [['doctor', 'https://localhost', '--basic', 'me:secret'], '--basic takes only the user name'],
  [['doctor', 'https://localhost', '--slow-upload', 'long'], '--slow-upload is long'],
  [['inbox', '/x', 'check', '--max-age', '15'], '--max-age is 15; it must be a duration'],
  [['inbox', '/x', 'catch-up', 'now'], 'catch-up takes no now'],
  [['inbox', '/x', 'catch-up', '--from', 'yesterday'], '--from is yesterday; it must be a time in ISO 8601'],
  [['inbox', '/x', 'catch-up', '--name', ''], '--name is empty'],
  [['inbox', '/x', 'catch-up', '--limit', '5'], 'inbox catch-up has no option --limit'],
])('%j', async (words, message) => {
  const running = run(words)
  await expect(running).rejects.toThrow(UsageError)
  await expect(running).rejects.toThrow(message)
})

test.each(['', 'yesterday', '1', '2026', '2026-02-30', '2026-13-01', '2026-01-01T25:00', '01/02/2026', '-2h'])(
  '--before %j is no time',
  async (time) => {
    await expect(run(['inbox', '/x', 'list', `--before=${time}`])).rejects.toThrow('must be a time in ISO 8601')
  },
)

test('exit code 2, one message and a hint', async () => {
  expect(await cli(['inbox', '/x', 'lisst'])).toMatchObject({
    ...{ code: 2, out: '' },
    err: expect.stringMatching(
      /^tradecloud-webhook: Unknown command inbox lisst; .*\nSee tradecloud-webhook --help\.\n$/,
    ),
  })
})

test('--version and --help, also among wrong words', async () => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string }
  expect(await cli(['--version'])).toMatchObject({ code: 0, out: `${version}\n`, err: '' })
  const general = await cli(['--help'])
  const all = [...Object.keys(inboxCommands).map((name) => `inbox [target] ${name}`), ...Object.keys(commands)]
  for (const name of all) expect(general.out).toContain(`  ${name} `)
  expect((await cli(['help'])).out).toBe(general.out)
  const replay = await cli(['inbox', 'some.db', 'replay', '--nonsense', '--help'])
  expect([replay.code, replay.err]).toEqual([0, ''])
  expect(replay.out).toMatch(/^Usage: tradecloud-webhook inbox \[target\] replay <id>… \| filters \[options\]\n/)
  for (const option of Object.keys(inboxCommands.replay?.options ?? {})) expect(replay.out).toContain(`  --${option}`)
})

test('docs/command-line.md names each command and its findings, and shows what is printed', () => {
  const page = readFileSync(join(__dirname, '../../docs/command-line.md'), 'utf8')
  for (const name of Object.keys(commands)) expect(page).toContain(`\n## ${name}\n`)
  for (const name of Object.keys(inboxCommands)) expect(page).toMatch(new RegExp(`\`(inbox )?${name}\\b`))
  const { title, effect, remedies } = FINDINGS.body_limit
  for (const text of [title, effect, remedies.nginx, remedies.Apache, remedies.Caddy]) expect(page).toContain(text)
})

test('every line of every help fits 110 columns', async () => {
  const words = [
    [],
    ...Object.keys(inboxCommands).map((name) => ['inbox', name]),
    ...Object.keys(commands).map((name) => [name]),
  ]
  const helps = await Promise.all(words.map((each) => cli([...each, '--help'])))
  for (const { out, code } of helps) {
    expect(code).toBe(0)
    expect(out.split('\n').filter((line) => line.length > 110)).toEqual([])
  }
})
