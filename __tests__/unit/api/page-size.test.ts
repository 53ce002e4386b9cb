/** How the page size of a poll changes over time. */
import { PageSize } from '../../../lib/api/page-size'

/** The page sizes of a poll in which each entity has `bytes`, and pages above `maxBytes` fail. */
function sizes(pages: number, bytes: number, maxBytes: number, largest = 100): number[] {
  const size = new PageSize(largest, Infinity)
  return Array.from({ length: pages }, () => {
    const { current } = size
    if (current * bytes > maxBytes) size.halve()
    else size.succeed(current * bytes)
    return current
  })
}

test('stays as it is while pages succeed', () => {
  expect(new Set(sizes(20, 1, 100))).toEqual(new Set([100]))
})

test('is halved down to one, and no further', () => {
  expect(sizes(9, 2, 1)).toEqual([100, 50, 25, 12, 6, 3, 1, 1, 1])
})

test('grows again: at first after a few pages, and less and less often where that fails', () => {
  const failures = sizes(200, 1, 30).flatMap((size, i) => (size > 30 ? [i] : []))
  expect(failures.slice(0, 2)).toEqual([0, 1])
  const apart = failures.slice(2).map((at, i) => at - (failures[i + 1] ?? 0))
  expect(apart).toEqual([5, 9, 17, 33, 65])
})

test('does not grow to what is sure to be too large', () => {
  const size = new PageSize(10, 100)
  size.halve()
  for (let i = 0; i < 20; i++) size.succeed(51)
  expect(size.current).toBe(5)
  for (let i = 0; i < 20; i++) size.succeed(50)
  expect(size.current).toBe(10)
})
