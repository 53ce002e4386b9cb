/** `purge`: removes what was asked for and nothing else, after a yes. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cli, closeAll, entriesOf, filesIn, fill, newFolder, onTerminal, serve } from './inbox-folder'

afterEach(closeAll)
const eventsIn = (directory: string): string[] =>
  filesIn(directory).filter((name) => /^(waiting|dead|quarantine)/.test(name))

async function mixed(): Promise<{ directory: string; waiting: string[]; dead: string[]; quarantined: string[] }> {
  const directory = newFolder()
  return {
    directory,
    waiting: await fill(directory, 'waiting', 2),
    dead: await fill(directory, 'dead', 3, (i) => ({ entity: { kind: 'order', id: `o${i}` } })),
    quarantined: await fill(directory, 'quarantine', 2, () => ({ quarantine: { code: 'invalid_body', reason: 'no' } })),
  }
}

test('removes beside a server those that match, whose room is free again', async () => {
  const { directory, waiting, dead } = await mixed()
  const server = await serve(directory)
  const before = await server.inbox.stats()
  const one = await cli(['inbox', directory, 'purge', '--state', 'dead', '--entity', 'o1', '--yes'])
  expect(one).toMatchObject({ code: 0, out: 'Removed 1 event.\n', err: '' })
  expect((await entriesOf(server, { state: 'dead' })).map(({ id }) => id)).toEqual([dead[0], dead[2]])
  const all = await cli(['inbox', directory, 'purge', '--state', 'quarantined', '--yes'])
  expect(all).toMatchObject({ code: 0, out: 'Removed 2 events.\n', err: '' })
  const { bytes, quarantineBytes, ...counts } = await server.inbox.stats()
  expect(counts).toMatchObject({ waiting: 2, dead: 2, quarantined: 0 })
  expect([before.bytes - bytes, quarantineBytes]).toEqual([4096, 0])
  expect(eventsIn(directory)).toHaveLength(4)
  expect((await entriesOf(server, { state: 'waiting' })).map(({ id }) => id)).toEqual(waiting)
  expect(readdirSync(join(directory, 'requests'))).toEqual([])
})

test('removes without a server, needs a yes or a terminal, and refuses waiting ones', async () => {
  const { directory, waiting, quarantined } = await mixed()
  const files = eventsIn(directory)
  const [silent, unnamed, wrong] = await Promise.all([
    cli(['inbox', directory, 'purge', '--state', 'dead']),
    cli(['inbox', directory, 'purge', '--yes']),
    cli(['inbox', directory, 'purge', '--state', 'waiting', '--yes']),
  ])
  expect(silent).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--yes') })
  for (const run of [unnamed, wrong])
    expect(run).toMatchObject({ code: 2, out: '', err: expect.stringContaining('never removed') })
  expect(eventsIn(directory)).toEqual(files)
  const all = await cli(['inbox', directory, 'purge', '--state', 'dead', '--yes'])
  expect(all).toMatchObject({ code: 0, out: 'Removed 3 events.\n', err: '' })
  const again = await cli(['inbox', directory, 'purge', '--state', 'dead', '--yes'])
  expect(again).toMatchObject({ code: 0, out: 'Nothing to remove.\n', err: '' })
  const left = (await entriesOf(await serve(directory))).map(({ id }) => id)
  expect(left.sort()).toEqual([...waiting, ...quarantined].sort())
})

test('asks on a terminal, and takes only a yes for one', async () => {
  const { directory } = await mixed()
  const files = eventsIn(directory)
  const purge = ['inbox', directory, 'purge', '--state', 'dead']
  const no = await onTerminal(purge, () => 'n\r')
  expect(no).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was removed.') })
  const empty = await onTerminal(purge, () => '\r')
  expect(empty.code).toBe(1)
  const end = await onTerminal(purge, () => '\u0004')
  expect(end).toMatchObject({ code: 1, out: expect.stringContaining('Nothing was removed.') })
  expect(eventsIn(directory)).toEqual(files)
  const more = await onTerminal(purge, async () => {
    await fill(directory, 'dead', 1)
    return 'y\r'
  })
  expect(more).toMatchObject({ code: 1, out: expect.stringContaining('More events match by now') })
  expect(eventsIn(directory)).toHaveLength(files.length + 1)
  const yes = await onTerminal(purge, () => 'y\r')
  expect(yes).toMatchObject({
    code: 0,
    out: expect.stringMatching(/Remove 4 dead events .+\? \[y\/N\] .*Removed 4 events\.\r\n$/s),
  })
  expect(eventsIn(directory)).toHaveLength(4)
})
