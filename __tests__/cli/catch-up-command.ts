/** `inbox catch-up`, on any database: a running worker takes the request. */
import { createTradecloudWorker, TradecloudClient, type CatchUpOptions } from '../../lib'
import { RateLimit } from '../../lib/api/rate-limit'
import { createTradecloudSimulator, type TradecloudSimulator } from '../../lib/testing'
import { until } from '../wait'
import { cleanUp, cli, onClose, type Storage } from './cli'

const START = new Date(Date.UTC(2025, 10, 2, 10))
const FROM = '2025-11-02T09:00:00.000Z'
/** On a busy machine, a run may take so long that its progress is shown. */
const PROGRESS = expect.stringMatching(/^((Read|Waiting) .*\n)*$/) as string

export function testCatchUpCommand(newStorage: () => Promise<Storage>): void {
  afterEach(cleanUp)

  async function start(catchUp: Partial<CatchUpOptions> = {}, name?: string) {
    const storage = await newStorage()
    const tradecloud = await createTradecloudSimulator({ startAt: START, rateLimit: false })
    onClose(() => tradecloud.close())
    const delivered: string[] = []
    await work(storage, tradecloud, delivered, catchUp, name)
    const command = (...words: string[]) => cli(['inbox', storage.target, 'catch-up', ...words])
    return { tradecloud, delivered, command }
  }

  async function work(
    storage: Storage,
    { baseUrl, username, password }: TradecloudSimulator,
    delivered: string[],
    catchUp: Partial<CatchUpOptions>,
    name?: string,
  ): Promise<void> {
    const api = new TradecloudClient({ baseUrl, username, password }, new RateLimit(Infinity))
    onClose(() => api.close())
    const worker = createTradecloudWorker({
      ...{ inbox: await storage.open(), api, name, logger: { warn: () => undefined, error: () => undefined } },
      onOrder: ({ orderId }) => void delivered.push(orderId),
      catchUp: { from: FROM, want: 'all', form: 'deliverySchedule', settleMs: 0, everyMs: false, ...catchUp },
    })
    onClose(() => worker.close())
    await worker.ready()
  }

  test('exit code 0 if nothing was missing, 3 if something was; a dry run delivers nothing', async () => {
    const { tradecloud, delivered, command } = await start()
    expect(await command('--dry-run')).toMatchObject({
      ...{ code: 0, err: PROGRESS },
      out: expect.stringMatching(/^Read 0 orders and shipments .*: nothing was missing, 0 had arrived\.\n$/),
    })
    tradecloud.world.change('PO-1', { lines: ['a', 'b'], deliver: 'lose' })
    const changed = START.toISOString()
    const dry = await command('--dry-run', '--json')
    expect([dry.code, dry.err]).toEqual([3, PROGRESS])
    expect(JSON.parse(dry.out)).toMatchObject({
      ...{ state: 'done', polled: 1, covered: 0, skipped: 0, recoveredTotal: 1 },
      recovered: [{ kind: 'order', id: 'PO-1', lines: ['a', 'b'], lastUpdatedAt: changed }],
    })
    expect(delivered).toEqual([])
    const real = await command()
    expect(real.code).toBe(3)
    expect(real.out).toContain(`order PO-1, lines a, b, changed at ${changed}\n`)
    expect(real.out).toMatch(
      /Read 1 orders and shipments .*: 1 never arrived and are delivered now, 0 had arrived\.\n$/,
    )
    await until(() => delivered.length === 1)
    expect((await command('--json')).code).toBe(0)
  })

  test('--from and --all deliver again', async () => {
    const { tradecloud, delivered, command } = await start()
    tradecloud.world.change('PO-1', { lines: ['a'], deliver: 'lose' })
    await command()
    await until(() => delivered.length === 1)
    const again = await command('--from', '2025-11-02T09:30', '--all', '--json')
    expect(again.code).toBe(3)
    expect(JSON.parse(again.out)).toMatchObject({ from: '2025-11-02T09:30:00.000Z', recoveredTotal: 1 })
    await until(() => delivered.length === 2)
    // With `--all`, the change is delivered again, but the report does not count it as arrived.
    expect((await command('--from', '2025-11-02T09:30', '--all')).out).toContain(
      ': 1 are delivered now, 0 had arrived.',
    )
  })

  test('exit code 1 with the reason if the run fails', async () => {
    const { tradecloud, command } = await start()
    tradecloud.api.fault({ type: 'status', status: 403, endpoint: 'orderPoll' })
    const { code, out } = await command()
    expect([code, out]).toEqual([1, expect.stringContaining('The run failed: TradecloudApiError: ')])
    expect(out).toContain('403')
    expect(out).toContain(': nothing missing was found before that, 0 had arrived.')
  })

  test('exit code 1 if no process takes the request; another name is another webhook', async () => {
    const { command } = await start({}, 'supplier')
    const { code, out, err } = await command('--wait', '1s')
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(
      'No process took the request within 1s: a webhook or worker with the option catchUp must be running.',
    )
    expect((await command('--name', 'supplier')).code).toBe(0)
  })
}
