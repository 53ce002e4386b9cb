/** The simulated internet of a test file, and downloads from it. */
import { PUBLIC, type Question, type Told } from './question'
import { Internet } from './start-internet'

export const NAME = 'files.example.com'
export const OTHER = 'other.example.com'
export const [FIRST = '', SECOND = '', SIXTH = ''] = PUBLIC
/** Time limits that even a slow machine can meet. */
const BOUNDS = { requestTimeoutMs: 5_000, fetchTimeoutMs: 10_000 }

interface SetUp {
  internet: () => Internet
  /**
   * Downloads a path of the host whose name resolves to `addresses`. Fails if a secret leaks or a connection stays
   * open.
   */
  get: (path: string, addresses?: string[], more?: Partial<Question>) => Promise<Told>
}

/** Starts the simulated internet before all tests of the file, and ends it afterwards. */
export function setUpInternet(): SetUp {
  let internet: Internet | undefined
  beforeAll(async () => void (internet = await Internet.start()), 30_000)
  afterAll(() => internet?.end())
  return {
    internet: () => internet!,
    get: async (path, addresses = [FIRST], more = {}) => {
      const { options, ...rest } = more
      const told = await internet!.ask({
        urls: [`https://${NAME}${path}`],
        zone: { [NAME]: [addresses] },
        options: { documentHosts: [NAME], ...BOUNDS, ...options },
        ...rest,
      })
      const shown = told.lines + told.downloads.map(({ error }) => error?.all ?? '').join('\n')
      expect(shown).not.toMatch(/canary|Y2FuYXJ5/)
      expect(told.open).toBe(0)
      return told
    },
  }
}
