/** IDs that want to be something else, stored in an inbox and shown by the command line. */
import { readdirSync } from 'node:fs'
import { EVIL, UNPRINTABLE } from '../integration/evil-ids'
import { closeAll, startRig, temporaryFolder, temporaryInbox, until } from '../integration/harness'
import { cli } from './inbox-folder'

afterEach(closeAll)

test('the command line shows them as plain text, and no file is named after them', async () => {
  const directory = temporaryFolder()
  const fail = ({ orderId }: { orderId: string }): void => {
    throw new Error(`cannot write ${orderId}`)
  }
  const rig = await startRig({ inbox: temporaryInbox({ directory }), onOrder: fail, retry: { forMs: 0 } })
  for (const text of EVIL) {
    const body = { eventName: text, orderEvent: { orderId: text, meta: { messageId: text } } }
    await rig.post(body, { path: `/order/${encodeURIComponent(text)}` })
    await rig.post([text], { headers: { 'Content-Type': 'application/evil+json; a="\x85"' } })
  }
  await until(() => rig.log.some(({ line }) => line.includes('Given up')))
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).map(({ name }) => name)
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((name) => !/^[\w.-]+$/.test(name) || /evil|proto|login/.test(name))).toEqual([])
  const listed = await cli(['inbox', directory, 'list'])
  const ids = listed.out.match(/^[\da-f-]{36}/gm) ?? []
  expect(ids.length).toBeGreaterThan(20)
  const shown = await Promise.all(ids.slice(0, 3).map((id) => cli(['inbox', directory, 'show', id])))
  const json = await cli(['inbox', directory, 'list', '--json'])
  for (const { out, err, code } of [listed, json, ...shown]) {
    expect(code).toBe(0)
    expect(`${out}${err}`.split('\n').filter((line) => UNPRINTABLE.test(line))).toEqual([])
  }
  // One line for each, a title and a summary: none has made two of itself.
  expect(listed.out.trimEnd().split('\n').length).toBe(ids.length + 2)
})
