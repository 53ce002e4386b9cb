import { InProgress } from '../../../lib/wait/queues'

describe('objects in progress', () => {
  const [one, two, three] = [{ id: 1 }, { id: 2 }, { id: 3 }]

  it.each([
    ['the first', one, [two, three]],
    ['one in the middle', two, [one, three]],
    ['the last', three, [one, two]],
  ])('removes %s', (_which, removed, left) => {
    const running = new InProgress<object>()
    for (const item of [one, two, three]) running.add(item)
    expect(running.delete(removed)).toBe(true)
    expect(new Set(running.all)).toEqual(new Set(left))
    expect(running.size).toBe(2)
  })

  it('removes an object once', () => {
    const running = new InProgress<object>()
    running.add(one)
    expect([running.delete(two), running.delete(one), running.delete(one)]).toEqual([false, true, false])
    expect(running.size).toBe(0)
  })

  it('visits all objects although each removes itself', () => {
    const running = new InProgress<object>()
    for (const item of [one, two, three]) running.add(item)
    for (const item of running.all) running.delete(item)
    expect(running.all).toEqual([])
  })
})
