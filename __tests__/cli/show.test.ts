/** `show`: one event with its history, for a person and for a program, and its body byte for byte. */
import { readFileSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { cli, closeAll, fill, filesIn, newFolder, put, serve, until } from './inbox-folder'

afterEach(closeAll)
test('shows what is known of an event, and each attempt with its time and reason', async () => {
  const directory = newFolder()
  const server = await serve(directory, ({ attempt }) =>
    attempt < 2
      ? { result: 'retry', delayMs: 30, reason: 'handler_failed: ERP\u001b[2J is down' }
      : { result: 'dead', reason: 'rejected: no such\ncompany' },
  )
  const body = Buffer.from('\ufeff{"orderId":"ü\u001b[2J"}')
  const event = { path: '/order/a\u001b[H', entity: { kind: 'shipment', id: 'S-1\n' } } as const
  const id = await put(server, event, body)
  await until(async () => (await server.inbox.stats()).dead === 1)
  const [shown, json, raw] = await Promise.all([
    cli(['inbox', directory, 'show', id]),
    cli(['inbox', directory, 'show', id.toUpperCase(), '--json']),
    cli(['inbox', directory, 'show', id, '--body']),
  ])
  const own = (await server.inbox.show(id))!
  const iso = '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'
  expect(shown).toMatchObject({ code: 0, err: '' })
  expect(shown.out).toMatch(new RegExp(`^Event +${id}\nState +dead\nReason +"rejected: no such\\\\ncompany"\n`))
  expect(shown.out).toMatch(/\nAttempts +2\n/)
  expect(shown.out).toMatch(/\nShipment +"S-1\\n"\n/)
  expect(shown.out).toMatch(/\nPath +"\/order\/a\\u001b\[H"\n/)
  expect(shown.out).toContain(`\nRequest       ${own.event.requestId}\n`)
  expect(shown.out.split('\n\n')[1]).toMatch(
    new RegExp(
      [
        `^${own.event.receivedAt}  stored`,
        `${iso}  handed to the callback`,
        `${iso}  failed, to be tried again at ${iso}: "handler_failed: ERP\\\\u001b\\[2J is down"`,
        `${iso}  handed to the callback`,
        `${iso}  given up: "rejected: no such\\\\ncompany"\n$`,
      ].join('\n'),
    ),
  )
  expect(shown.out).not.toContain('\u001b')

  expect(json.out).not.toContain('\u001b')
  const object = JSON.parse(json.out)
  expect(object.entry).toEqual(JSON.parse(JSON.stringify(own.entry)))
  expect(object.event).toEqual(JSON.parse(JSON.stringify(own.event)))
  expect({ body: object.body, encoding: object.bodyEncoding }).toEqual({ body: body.toString(), encoding: 'utf8' })
  expect(object.history).toMatchObject([
    { note: 'attempt', at: expect.stringMatching(iso) },
    {
      note: 'retry',
      at: expect.stringMatching(iso),
      dueAt: expect.stringMatching(iso),
      reason: 'handler_failed: ERP\u001b[2J is down',
    },
    { note: 'attempt' },
    { note: 'dead', at: expect.stringMatching(iso), reason: 'rejected: no such\ncompany' },
  ])
  expect(raw).toMatchObject({ code: 0, err: '' })
  expect(raw.raw.equals(body)).toBe(true)
})

test('gives bytes that are no text as base64 and as they are, and says why they are in quarantine', async () => {
  const directory = newFolder()
  const server = await serve(directory)
  const body = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 256))
  const quarantine = {
    code: 'invalid_body',
    reason: 'does not fit',
    issues: [{ pointer: '/order/\n', message: 'must be string' }],
  }
  const id = await put(server, { kind: 'unknown', entity: undefined, quarantine }, body)
  await server.close()
  const [shown, json, raw] = await Promise.all([
    cli(['inbox', directory, 'show', id]),
    cli(['inbox', directory, 'show', id, '--json']),
    cli(['inbox', directory, 'show', '--body', id]),
  ])
  expect(shown.out).toMatch(/\nQuarantine +invalid_body: does not fit\nIssue +"\/order\/\\n must be string"\n/)
  const object = JSON.parse(json.out)
  expect(object.bodyEncoding).toBe('base64')
  expect(Buffer.from(object.body, 'base64').equals(body)).toBe(true)
  expect(raw.raw.equals(body)).toBe(true)
})

test('says of an ID that it is none, is not there, was delivered or is damaged', async () => {
  const directory = newFolder()
  const server = await serve(directory, () => ({ result: 'delivered' }))
  const delivered = await put(server)
  await until(async () => (await server.inbox.stats()).waiting + (await server.inbox.stats()).running === 0)
  await server.close()
  const [damaged] = await fill(directory, 'dead', 1)
  const path = join(
    directory,
    filesIn(directory).find((name) => name.endsWith(damaged!))!,
  )
  writeFileSync(path, readFileSync(path, 'utf8').replace('{"number":0}', '{"number":9}'))
  const missing = randomUUID()
  const [none, away, gone, broken] = await Promise.all([
    cli(['inbox', directory, 'show', '../../lock']),
    cli(['inbox', directory, 'show', missing]),
    cli(['inbox', directory, 'show', delivered]),
    cli(['inbox', directory, 'show', damaged!, '--body']),
  ])
  expect(none).toMatchObject({ code: 2, out: '', err: expect.stringContaining('../../lock is not the ID') })
  expect(away).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`no event ${missing}`) })
  expect(gone).toMatchObject({ code: 2, out: '', err: expect.stringContaining(`${delivered} was delivered at 20`) })
  expect(broken).toMatchObject({ code: 1, out: '', err: expect.stringContaining('is damaged') })
})
