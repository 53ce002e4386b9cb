/**
 * Paging while entities change: nothing is skipped, the cursor does not pass an unread entity, and memory is bounded.
 */
import fc from 'fast-check'
import { poll, type Polled, type PollPage } from '../../../lib/api/poll'
import { bySize } from '../../size'
import { PollModel, time, type ModelEntity, type ModelOptions } from './poll-model'

interface Run {
  given: ModelEntity[]
  cursor: string
}

/**
 * Runs one poll. `between` is called before each page except the first. The pages have these `sizes` in turn, but never
 * more than `limit` entities.
 */
async function run(
  model: PollModel,
  after: string,
  limit: number,
  between: (page: number) => unknown = () => undefined,
  sizes: number[] = [limit],
): Promise<Run> {
  let page = 0
  const ask = async (offset: number, most = limit): Promise<PollPage> => {
    if (page++ > 0) between(page)
    const asked = Math.min(most, limit, sizes[page % sizes.length] ?? limit)
    return { ...model.page(after, offset, asked), limit: asked }
  }
  const all: Polled[] = []
  for await (const found of poll({ after, limit, ask, fail: (text) => new Error(text) }))
    if (found.type !== 'page') all.push(found)
  const last = all.pop()
  expect(last?.type).toBe('cursor')
  expect(all.every(({ type }) => type === 'entity')).toBe(true)
  const given = all.map((found) => (found as { entity: unknown }).entity as ModelEntity)
  return { given, cursor: (last as { lastUpdatedAt: string }).lastUpdatedAt }
}

/**
 * Entities that the poll has missed. They changed later than `after`, but not later than the cursor, and the poll did
 * not give their state.
 */
function jumpedOver(model: PollModel, after: string, { given, cursor }: Run): ModelEntity[] {
  return [...model.entities.values()].filter(
    ({ id, state, lastUpdatedAt }) =>
      lastUpdatedAt > after && lastUpdatedAt <= cursor && !given.some((got) => got.id === id && got.state === state),
  )
}

const START = time(-1)
const PLAIN: ModelOptions = { order: 'rising', cursor: 'page', ties: 'id' }

function filled(options: ModelOptions, count: number, apart = 1): PollModel {
  const model = new PollModel(options)
  for (let i = 0; i < count; i++) {
    model.change(`e${String(i).padStart(4, '0')}`)
    model.now += apart
  }
  model.now++
  return model
}

test('reads all pages, each entity once, and tells the last cursor', async () => {
  const model = filled(PLAIN, 250)
  const { given, cursor } = await run(model, START, 100)
  expect(given.map(({ id }) => id)).toEqual([...model.entities.keys()])
  expect(cursor).toBe(time(249))
  expect(model.asked).toEqual([0, 99, 198])
})

test('keeps the old cursor when nothing has changed', async () => {
  expect(await run(filled(PLAIN, 5), time(10), 100)).toEqual({ given: [], cursor: time(10) })
})

test('does not skip the one that moved to the front because others changed', async () => {
  const model = filled(PLAIN, 30)
  const { given, cursor } = await run(model, START, 10, (page) => {
    if (page === 2) model.change('e0000', 'e0003', 'e0005')
  })
  expect(new Set(given.map(({ id }) => id)).size).toBe(30)
  expect(given).toHaveLength(33)
  expect(jumpedOver(model, START, { given, cursor })).toEqual([])
})

test('steps back when all of a page has moved', async () => {
  const model = filled(PLAIN, 40)
  const { given, cursor } = await run(model, START, 10, (page) => {
    if (page === 3) model.change(...[...model.entities.keys()].slice(0, 19))
  })
  expect(new Set(given.map(({ id }) => id)).size).toBe(40)
  expect(jumpedOver(model, START, { given, cursor })).toEqual([])
})

test.each(['rising', 'falling'] as const)(
  'gets along with 50 changes in the same moment, pages of ten, %s',
  async (order) => {
    const model = filled({ order, cursor: 'all', ties: 'id' }, 50, 0)
    const { given, cursor } = await run(model, START, 10)
    expect(new Set(given.map(({ id }) => id)).size).toBe(50)
    expect(cursor).toBe(time(0))
  },
)

test('where the newest come first, the cursor stays behind what changed while paging', async () => {
  const model = filled({ order: 'falling', cursor: 'all', ties: 'id' }, 30)
  const { given, cursor } = await run(model, START, 10, () => model.change('e0029'))
  expect(new Set(given.map(({ id }) => id)).size).toBe(30)
  expect(cursor).toBe(time(29))
})

test('remembers a bounded number, and still reads a list that never rests', async () => {
  const model = filled(PLAIN, 3_000)
  const { given, cursor } = await run(model, START, 100, (page) => {
    if (page < 60) model.change(`e${String((page * 37) % 3_000).padStart(4, '0')}`, `new${page}`)
  })
  expect(new Set(given.map(({ id }) => id)).size).toBeGreaterThanOrEqual(3_000)
  expect(jumpedOver(model, START, { given, cursor })).toEqual([])
})

test.each([[[1]], [[2]], [[1, 2]], [[7, 1, 1, 3]], [[100, 3, 1]]])(
  'reads each entity once in pages of %j, and tells the last cursor',
  async (sizes) => {
    const model = filled(PLAIN, 30)
    const { given, cursor } = await run(model, START, 100, undefined, sizes)
    expect(given.map(({ id }) => id)).toEqual([...model.entities.keys()])
    expect(cursor).toBe(time(29))
  },
)

test('pages of one entity: does not skip the one that moved to the front because another changed', async () => {
  for (let at = 2; at < 60; at++) {
    const model = filled(PLAIN, 10)
    const { given, cursor } = await run(model, START, 10, (page) => page === at && model.change('e0000', 'e0003'), [1])
    expect(new Set(given.map(({ id }) => id)).size).toBe(10)
    expect(jumpedOver(model, START, { given, cursor })).toEqual([])
  }
})

test('pages of one entity end where the answers tell no total', async () => {
  const model = filled(PLAIN, 5)
  const ask = async (offset: number) => ({ ...model.page(START, offset, 1), total: undefined, limit: 1 })
  const all: Polled[] = []
  for await (const found of poll({ after: START, limit: 10, ask, fail: (text) => new Error(text) }))
    if (found.type !== 'page') all.push(found)
  expect(all).toHaveLength(6)
  expect(all.at(-1)).toEqual({ type: 'cursor', lastUpdatedAt: time(4) })
})

test('an empty page before the end is a failure, and not the end', async () => {
  const model = filled(PLAIN, 30)
  const read = async (emptyAt: number) => {
    const ask = async (offset: number) => {
      const page = model.page(START, offset, 10)
      return offset === emptyAt ? { ...page, data: [] } : page
    }
    const types: string[] = []
    for await (const { type } of poll({ after: START, limit: 10, ask, fail: (text) => new Error(text) }))
      types.push(type)
    return types
  }
  await expect(read(18)).rejects.toThrow('empty')
  await expect(read(0)).rejects.toThrow('empty')
  expect((await read(1)).at(-1)).toBe('cursor')
})

describe('an entity that fails alone', () => {
  /** Polls pages of one entity, some of which fail. */
  async function skipping(
    count: number,
    bad: (offset: number) => boolean,
    change: (asked: number) => unknown = () => 0,
  ) {
    const model = filled(PLAIN, count)
    const ask = async (offset: number): Promise<PollPage> => {
      change(model.asked.length)
      if (bad(offset)) {
        model.asked.push(offset)
        throw new Error(`bad ${offset}`)
      }
      return { ...model.page(START, offset, 1), limit: 1 }
    }
    const ids: string[] = []
    const idOf = (entity: unknown) => (entity as ModelEntity | undefined)?.id
    const found = poll({ after: START, limit: 1, ask, fail: (text) => new Error(text), canSkip: () => true })
    for await (const each of found) {
      if (each.type === 'entity') ids.push(idOf(each.entity) ?? '')
      if (each.type === 'skipped') ids.push(`between ${idOf(each.after)} and ${idOf(each.before)}`)
    }
    return ids
  }

  test('is skipped, wherever it is, and its neighbours are named', async () => {
    expect(await skipping(4, (at) => at === 2)).toEqual(['e0000', 'e0001', 'between e0001 and e0003', 'e0003'])
    expect(await skipping(3, (at) => at === 0)).toEqual(['between undefined and e0001', 'e0001', 'e0002'])
    expect(await skipping(3, (at) => at === 2)).toEqual(['e0000', 'e0001', 'between e0001 and undefined'])
  })

  test('ends the poll if its neighbour fails as well, or if there is none: that may be an outage', async () => {
    await expect(skipping(5, (at) => at >= 2)).rejects.toThrow('bad 2')
    await expect(skipping(5, (at) => at === 1 || at === 2)).rejects.toThrow('bad 1')
    await expect(skipping(1, () => true)).rejects.toThrow('bad 0')
  })
})

test('gives up on a list in another order each time, rather than for ever', async () => {
  let n = 0
  const ask = async (): Promise<PollPage> => {
    return { data: [{ id: ++n }, { id: ++n }], total: 1_000_000, lastUpdatedAt: time(0) }
  }
  const all = async () => {
    const found = poll({ after: START, limit: 2, ask, fail: (text) => new Error(text) })
    while (!(await found.next()).done) continue
  }
  await expect(all()).rejects.toThrow('faster')
})

const changes = fc.array(
  fc.record({
    page: fc.integer({ min: 2, max: 12 }),
    ids: fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 }),
    gone: fc.boolean(),
  }),
  { maxLength: 10 },
)
const options = fc.record({
  order: fc.constantFrom('rising' as const, 'falling' as const),
  cursor: fc.constantFrom('page' as const, 'all' as const),
  ties: fc.constantFrom('id' as const, 'reverse' as const),
})

test('whatever changes between pages: nothing is skipped, and later polls bring the rest', async () => {
  await fc.assert(
    fc.asyncProperty(
      options,
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 2, max: 13 }),
      fc.integer({ min: 0, max: 2 }),
      changes,
      fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1, maxLength: 5 }),
      async (modelOptions, count, limit, apart, plan, sizes) => {
        const model = filled(modelOptions, count, apart)
        const before = new Map(model.entities)
        const known = new Map<string, number>()
        const change = (page: number) => {
          for (const { ids, gone } of plan.filter((entry) => entry.page === page)) {
            const names = ids.map((id) => `e${String(id).padStart(4, '0')}`)
            if (gone) names.forEach((name) => model.entities.delete(name))
            else model.change(...names)
          }
        }
        const first = await run(model, START, limit, change, sizes)
        expect(jumpedOver(model, START, first)).toEqual([])
        // An entity was returned if it existed at the start and has not changed since.
        for (const [id, { state }] of before) {
          if (model.entities.get(id)?.state !== state) continue
          expect(first.given.some((got) => got.id === id && got.state === state)).toBe(true)
        }
        const runs = [first]
        let { cursor } = first
        for (;;) {
          const next = await run(model, cursor, limit, undefined, sizes)
          runs.push(next)
          if (next.cursor === cursor) break
          cursor = next.cursor
        }
        for (const got of runs.flatMap(({ given }) => given))
          known.set(got.id, Math.max(known.get(got.id) ?? 0, got.state))
        for (const { id, state } of model.entities.values()) expect(known.get(id)).toBe(state)
      },
    ),
    { numRuns: bySize({ quick: 100, ci: 500, full: 20_000 }) },
  )
})

test('the order of changes in the same moment may differ each time, as long as they fit into a page', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }), async (moments, size) => {
      const model = new PollModel({ order: 'rising', cursor: 'page', ties: 'random' })
      for (let i = 0; i < moments; i++) {
        model.change(...Array.from({ length: size }, (_, j) => `e${i}-${j}`))
        model.now++
      }
      const { given } = await run(model, START, 12)
      expect(new Set(given.map(({ id }) => id)).size).toBe(moments * size)
    }),
  )
})
