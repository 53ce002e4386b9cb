/** Wrong use: what is refused, with which words and exit code, and that it leaves nothing behind. */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCommand } from '../../lib/cli/arguments'
import { UsageError } from '../../lib/cli/usage'
import { cli, closeAll, newFolder } from './inbox-folder'

afterEach(closeAll)
const id = randomUUID()

test.each([
  [[], 'What to do is missing'],
  [['outbox'], 'Unknown command outbox'],
  [['inbox'], 'folder of the inbox is missing'],
  [['inbox', '/x'], 'command is missing'],
  [['inbox', '/x', 'toString'], 'Unknown command toString'],
  [['inbox', '/x', 'li\u001b[2Jst'], 'Unknown command "li\\u001b[2Jst"'],
  [['inbox', '/x', 'list', '--what'], "Unknown option '--what'."],
  [['inbox', '/x', 'list', '--yes'], "Unknown option '--yes'."],
  [['inbox', '/x', 'list', '--state'], 'argument missing'],
  [
    ['inbox', '/x', 'list', '--state', 'delivered'],
    '--state is delivered; it must be one of waiting, dead, quarantined',
  ],
  [['inbox', '/x', 'list', '--kind', 'orders'], '--kind is orders'],
  [['inbox', '/x', 'list', id], `list takes no ${id}`],
  [['inbox', '/x', 'show'], 'show takes one ID'],
  [['inbox', '/x', 'show', id, id], 'show takes one ID'],
  [['inbox', '/x', 'show', '../lock'], '../lock is not the ID'],
  [['inbox', '/x', 'show', id, '--json', '--body'], 'exclude each other'],
  [['inbox', '/x', 'replay'], 'IDs, or --all'],
  [['inbox', '/x', 'replay', '--state', 'dead'], 'IDs, or --all'],
  [['inbox', '/x', 'replay', id, '--all'], 'not both'],
  [['inbox', '/x', 'replay', id, '--kind', 'order'], 'go with --all'],
  [['inbox', '/x', 'replay', `${id}x`], 'is not the ID'],
  [['inbox', '/x', 'purge'], 'purge needs --state'],
  [['inbox', '/x', 'purge', '--state', 'waiting'], 'purge needs --state'],
  [['inbox', '/x', 'purge', '--state', 'dead', id], `purge takes no ${id}`],
])('%j', (words, message) => {
  const parse = (): unknown => parseCommand(words)
  expect(parse).toThrow(UsageError)
  expect(parse).toThrow(message)
})

test.each([
  '',
  'yesterday',
  '1',
  '2026',
  '2026-02-30',
  '2026-13-01',
  '2026-01-01T25:00',
  '2026-1-1',
  '01/02/2026',
  '2026-05-31 08:00',
])('--before %j', (time) => {
  expect(() => parseCommand(['inbox', '/x', 'list', '--before', time])).toThrow('must be a time in ISO 8601')
})

test.each([
  ['2026-05-31', '2026-05-31T00:00:00.000Z'],
  ['2026-05-31T08:00:00.5+02:00', '2026-05-31T06:00:00.500Z'],
  ['2028-02-29T08:00Z', '2028-02-29T08:00:00.000Z'],
])('--before %s is %s', (time, iso) => {
  expect(parseCommand(['inbox', '/x', 'list', '--before', time])).toMatchObject({
    command: { filter: { before: new Date(iso) } },
  })
})

test('ends with 2 and words on stderr, with help on stdout, and makes no folder', async () => {
  const empty = newFolder()
  writeFileSync(join(empty, 'file'), '')
  mkdirSync(join(empty, 'waiting'))
  const missing = join(empty, 'missing')
  const [unknown, away, none, file, replay, purge, help] = await Promise.all([
    cli(['inbox', empty, 'lust']),
    cli(['inbox', missing, 'list']),
    cli(['inbox', empty, 'list']),
    cli(['inbox', join(empty, 'file'), 'list']),
    cli(['inbox', missing, 'replay', '--all']),
    cli(['inbox', empty, 'purge', '--state', 'dead', '--yes']),
    cli(['inbox', missing, 'list', '--help']),
  ])
  expect(unknown.err).toBe(
    'tradecloud-webhook: Unknown command lust; there are list, show, replay and purge.\nSee tradecloud-webhook --help.\n',
  )
  for (const { err } of [away, replay]) expect(err).toContain(`There is no folder ${missing}.`)
  for (const { err } of [none, file, purge]) expect(err).toContain('is not the folder of a file inbox')
  for (const { code, out } of [unknown, away, none, file, replay, purge])
    expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(help).toMatchObject({ code: 0, err: '' })
  expect(help.out).toMatch(/^Usage: tradecloud-webhook inbox <directory> <command>\n/)
  for (const line of help.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(existsSync(missing)).toBe(false)
  expect(readdirSync(empty).sort()).toEqual(['file', 'waiting'])
})
