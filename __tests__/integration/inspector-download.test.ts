/** Bodies of events are downloaded piece by piece. */
import { request, type IncomingMessage } from 'node:http'
import { RejectEvent } from 'tradecloud-webhook'
import { closeAll, pause, temporaryInbox, until } from './harness'
import { operatorHeader, startInspectorRig } from './inspector-rig'

afterEach(closeAll)

describe('a download', () => {
  const body = JSON.stringify({
    eventName: 'OrderIssuedByBuyer',
    orderEvent: { orderId: 'PO-1', text: 'x'.repeat(20e6) },
  })

  /** Starts an inspector with one stored event. `readPiece` is called with the number of each piece of its body. */
  const startDownload = async (readPiece: (number: number) => void) => {
    const real = temporaryInbox()
    const pieces = async function* (id: string) {
      let number = 0
      for await (const piece of real.bodyPieces!(id)) {
        readPiece(++number)
        yield piece
      }
    }
    const inbox = new Proxy(real, {
      get: (target, name) => {
        const value: unknown = name === 'bodyPieces' ? pieces : Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const rig = await startInspectorRig({ inbox, onOrder: () => Promise.reject(new RejectEvent('not in the ERP')) })
    expect((await rig.post(JSON.parse(body) as object)).status).toBe(202)
    const { entries } = await real.list()
    return { ...rig, path: `/event/${entries[0]!.id}/body` }
  }

  test('is read as fast as the browser takes it, not into memory', async () => {
    let read = 0
    const { ask, path, inspectorUrl } = await startDownload((number) => (read = number))
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const req = request(`${inspectorUrl}${path}`, { agent: false, headers: { Authorization: operatorHeader } })
      req.on('error', reject).on('response', resolve).end()
    })
    expect(response.headers['content-length']).toBe(String(body.length))
    response.socket.pause()
    let before = -1
    await until(async () => {
      const isSteady = read > 0 && read === before
      before = read
      await pause(100)
      return isSteady
    })
    expect(read).toBeLessThan(20)
    response.destroy()
    read = 0
    expect((await ask(path, { method: 'HEAD' })).headers['content-length']).toBe(String(body.length))
    expect(read).toBe(0)
    expect((await ask(path)).bytes.equals(Buffer.from(body))).toBe(true)
  })

  test('that cannot be read to its end fails in the browser as well, and is logged', async () => {
    const { ask, path, log } = await startDownload((number) => {
      if (number > 3) throw new Error('the disk is gone')
    })
    await expect(ask(path)).rejects.toThrow('aborted')
    expect(log.map(({ line }) => line).join()).toContain('A download of the inspector failed: ')
  })
})
