/** The public contract for inboxes: an inbox of a user can fulfil it, and the contract finds violations. */
import type { Inbox } from 'tradecloud-webhook'
import { inboxContract } from 'tradecloud-webhook/testing'
import { memoryInbox } from './memory-inbox'
import { MemoryStorage } from './memory-storage'

describe('an inbox in memory keeps the contract', () => {
  const create = () => {
    const storage = new MemoryStorage()
    return { open: () => memoryInbox(storage) }
  }
  const tests = inboxContract(create, { catchUp: false })
  it.each(tests.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => run())
})

it('an inbox without the catch-up fails its tests, and the error names the option that omits them', async () => {
  const storage = new MemoryStorage()
  const tests = inboxContract(() => ({ open: () => memoryInbox(storage) }))
  const [found] = tests.filter(({ name }) => name.startsWith('catch-up: one process polls'))
  await expect(found?.run()).rejects.toThrow('call inboxContract with `catchUp: false`')
})

type Broken = [what: string, test: string, change: (inbox: Inbox) => Partial<Inbox>]

it.each<Broken>([
  [
    'knows no duplicates',
    'duplicate: the same key while',
    (inbox) => ({ accept: (event, bytes) => inbox.accept({ ...event, key: undefined }, bytes) }),
  ],
  [
    'settles what it does not own',
    'settle: works once',
    (inbox) => ({ settle: (...args) => inbox.settle(...args).then(() => true) }),
  ],
  ['goes on after close', 'close: a closed inbox takes nothing', () => ({ close: () => Promise.resolve() })],
  ['can always store events', 'check: resolves while', () => ({ check: () => Promise.resolve() })],
  ['wants everything', 'is wanted: by the callbacks', () => ({ isWanted: () => Promise.resolve(true) })],
  [
    'lists everything on one page',
    'list: page by page',
    (inbox) => ({ list: (options) => inbox.list({ ...options, limit: 1000 }) }),
  ],
])('an inbox that %s fails the test of it', async (_what, test, change) => {
  const storage = new MemoryStorage()
  const open = (): Inbox => {
    const inbox = memoryInbox(storage)
    return { ...inbox, ...change(inbox) }
  }
  const [found, ...more] = inboxContract(() => ({ open })).filter(({ name }) => name.startsWith(test))
  expect(more).toEqual([])
  await expect(found?.run()).rejects.toMatchObject({ name: 'AssertionError' })
})
